"""/etc/azure/vmbackup.conf as the original reads it: one fault, and all of it is ignored."""

import configparser

FILE = "/etc/azure/vmbackup.conf"
SECTION = "SnapshotThread"


class Settings:
    def __init__(self, log):
        parser = configparser.ConfigParser()
        try:
            parser.read(FILE)
            self.timeout = parser.getint(SECTION, "timeout", fallback=60)
            skipped = parser.get(SECTION, "MountsToSkip", fallback="")
        except (configparser.Error, UnicodeDecodeError, ValueError) as error:
            log(f"  Error  cannot read {FILE}: {error}")
            self.timeout, skipped = 60, ""
        # Entries are compared letter by letter, blanks and all.
        self.mounts_to_skip = skipped.split(",")
