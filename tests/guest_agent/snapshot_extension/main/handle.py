"""A stand-in for Azure Backup's snapshot extension: what it does in the VM, without the snapshot.

Like the original it takes a new sequence number for a backup, reads /etc/azure/vmbackup.conf, has safefreeze freeze
the file systems, and tells of it in extension.log and in the status file in the original's words.
"""

import json
import os
import pathlib
import platform
import stat
import subprocess
import sys
import time

from settings import Settings

NAME = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"
FOLDER = pathlib.Path(__file__).resolve().parent.parent
LOG = pathlib.Path(f"/var/log/azure/{NAME}/extension.log")
SAFEFREEZE = FOLDER / "main" / ("safefreezeArm64" if platform.machine() == "aarch64" else "safefreeze") / "bin/safefreeze"
LOOP_MAJOR = 7
SCRIPTS = pathlib.Path("/etc/azure/VMSnapshotScriptPluginConfig.json")


class Failure(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def log(text):
    moment = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1e6):06}"
    with LOG.open("a") as file:
        file.write(f"{stamp} [{FOLDER.name}]{text}\n")


def mounts_to_freeze(skipped):
    """Deepest first. Whatever is on a loop device is left alone."""
    found = []
    for line in open("/proc/self/mounts"):
        source, target, kind, *_ = line.split()
        if kind in ("ext3", "ext4", "xfs", "btrfs") and source.startswith("/dev/") and "loop" not in source:
            if target not in skipped:
                found.append(target)
    return sorted(found, key=lambda target: target.count("/"), reverse=True)


def freeze(settings):
    """Freezes, takes no snapshot, and thaws."""
    log(f"safeFreezeBinary exists {SAFEFREEZE.exists()}")
    if not os.access(SAFEFREEZE, os.X_OK):
        raise Failure(124, "Enable failed with error: safefreeze binary is missing")
    log(f"T:S freeze, timeout value {settings.timeout}")
    mounts = mounts_to_freeze(settings.mounts_to_skip)
    for mount in mounts:
        log(f"fsfreeze mount :{mount}")
    log(f"arg : {[str(SAFEFREEZE), str(settings.timeout), *mounts]}")
    log("****** 1. Starting Freeze Binary ")
    log("****** 2. Binary Freeze Started ")
    frozen = []
    try:
        for mount in mounts:
            error = call_safefreeze("--freeze", mount)
            if error:
                log("****** 9. Binary Process completed (Signal=2 received)")
                log(f"Failed to FIFREEZE: {mount} with error message: {error}")
                log("freeze failed for some mount")
                raise Failure(121, "Enable failed with error: freeze failed for some mount")
            frozen.append(mount)
        log("****** 3. Binary Freeze Completed ")
        log("****** 4. Freeze Completed (Signal=1 received)")
        log("****** 5. Snaphotting (Host) Started")
        log("****** 6. Snaphotting (Host) Completed")
        log("****** 7. Sending Thaw Signal to Binary")
    finally:
        for mount in reversed(frozen):
            call_safefreeze("--unfreeze", mount)
    log("****** 8. Binary Thaw Signal Received ")
    log("****** 9. Binary Process completed (Signal=2 received)")


def call_safefreeze(action, mount):
    """Here it is fsfreeze, for one mount and one half of the work. Returns the kernel's reason why it failed."""
    if os.major(os.stat(mount).st_dev) != LOOP_MAJOR:
        sys.exit(f"{mount} is none of the disks made for this test")
    done = subprocess.run([SAFEFREEZE, action, mount], stderr=subprocess.PIPE, text=True, timeout=20)
    return done.stderr.strip().rpartition(": ")[2]


def check_scripts():
    """Scripts run as root, so they must be root's alone."""
    if not SCRIPTS.exists():
        return
    scripts = json.loads(SCRIPTS.read_text())
    for path, code in ((SCRIPTS, 317), (pathlib.Path(scripts["preScriptLocation"]), 306),
                       (pathlib.Path(scripts["postScriptLocation"]), 307)):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077 or path.stat().st_uid != 0:
            raise Failure(code, f"Plugin Host Precheck Failed {path}")


def back_up():
    log("starting daemon initially")
    settings = Settings(log)
    check_scripts()
    freeze(settings)


def report(sequence, status, code, message):
    log(f"Enable,{status},{code},{message},False")
    content = [{"version": "1.0", "timestampUTC": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "status": {"name": "Azure Recovery Services Backup", "operation": "Enable", "status": status,
                           "code": code, "formattedMessage": {"lang": "en-US", "message": message}, "substatus": []}}]
    file = FOLDER / f"status/{sequence}.status"
    file.parent.mkdir(exist_ok=True)
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps(content))
    temporary.rename(file)


def main():
    log("starting enable")
    sequence = max(int(file.stem) for file in (FOLDER / "config").glob("*.settings"))
    last = FOLDER / "mrseq"
    if last.exists() and int(last.read_text()) == sequence:
        log("the sequence number are same, so skip")
        return
    last.write_text(str(sequence))
    try:
        back_up()
        report(sequence, "success", 1, "Enable Succeeded")
    except Failure as failure:
        log(f"T:S {failure}")
        report(sequence, "error", failure.code, str(failure))


sys.exit(main())
