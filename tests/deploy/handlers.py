#!/usr/bin/python3
"""A Linux VM in memory (tests/trust) in which scripts run as Microsoft's open-source handlers run them: Run Command
(run-command-handler-linux), Custom Script (custom-script-extension-linux) and VM Applications (VMApplication-Extension).

    handlers.py PROGRAM AUTHORITY

In namespaces of its own (mounts, processes). AUTHORITY: certificates that the VM trusts. Reads requests as lines of JSON
from standard input and answers with one line each:
    {"kind": "run-command" | "custom-script", "properties": {...}}       of the Azure resource
    {"kind": "vm-application", "properties": {... "action": "install"}}  publishingProfile of the version
    {"kind": "reset"}
Answers: {"exitCode", "output", "error"} with the last 4 KiB of each stream, as Azure shows them; "folder", where it ran;
"files", what is in /opt and in the state folder; "secretsSeen", where the text of $SECRET was: command lines, files.
"""

import base64
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/trust"))

import private_machine

SHOWN = 4096  # bytes of each stream, the last ones
TIME_LIMIT = 90 * 60  # seconds, unless the resource says another
AGENT = "var/lib/waagent"


class Vm:
    def __init__(self, program, authority):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        self.machine = private_machine.Machine(program)
        self.root = self.machine.root
        (self.root / private_machine.PROGRAM[1:]).unlink()  # it has to come by a package
        certificates = self.root / "etc/ssl/certs/ca-certificates.crt"
        certificates.parent.mkdir(parents=True)
        shutil.copy(authority, certificates)
        self.secret = os.environ.pop("SECRET", "").encode()
        self.number = 0
        self.reset()

    def reset(self):
        self.machine.reset()
        shutil.rmtree(self.root / "opt/backup-remediation", ignore_errors=True)
        return {}

    def answer(self, kind, properties=None):
        self.number += 1
        return {"reset": self.reset, "run-command": self.run_command, "custom-script": self.custom_script,
                "vm-application": self.vm_application}[kind](*([properties] if properties else []))

    def run_command(self, properties):
        """A parameter with a name becomes a variable, unless it is empty; one without, a word of the command line."""
        folder = self.folder(f"run-command-handler/download/backup-remediation/{self.number}")
        self.write(folder / "script.sh", properties["source"]["script"].encode())
        parameters = properties["parameters"] + properties["protectedParameters"]
        words = "".join(" " + entry["value"] for entry in parameters if not entry["name"] and entry["value"])
        variables = {entry["name"]: entry["value"] for entry in parameters if entry["name"] and entry["value"]}
        return self.execute("/bin/bash", f"{self.inside(folder)}/script.sh{words}", folder, variables,
                            properties["timeoutInSeconds"])

    def custom_script(self, properties):
        folder = self.folder(f"custom-script/download/{self.number}")
        settings = {**properties["settings"], **properties["protectedSettings"]}
        text = base64.b64decode(settings["script"])
        if text.startswith(b"\x1f\x8b"):
            text = gzip.decompress(text)
        self.write(folder / "script.sh", text)
        return self.execute("/bin/sh", f"{self.inside(folder)}/script.sh", folder)

    def vm_application(self, profile):
        folder = self.folder("Microsoft.CPlat.Core.VMApplicationManagerLinux/BackupRemediationLinux/1.0.0")
        if profile["action"] != "remove":
            with urllib.request.urlopen(profile["source"]["mediaLink"]) as package:
                (folder / profile["settings"]["packageFileName"]).write_bytes(package.read())
        answer = self.execute("/bin/bash", profile["manageActions"][profile["action"]], folder)
        if profile["action"] == "remove":
            shutil.rmtree(folder)
        return answer

    def folder(self, name):
        folder = self.root / AGENT / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def inside(self, path):
        return "/" + str(path.relative_to(self.root))

    @staticmethod
    def write(path, text):
        path.write_bytes(text)
        path.chmod(0o500)

    def execute(self, shell, command, folder, variables=None, limit=TIME_LIMIT):
        watch = Watch(self.secret)
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", **(variables or {})}
        with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as errors:
            enter = ["chroot", str(self.root), "/usr/bin/env", "-C", self.inside(folder)]
            process = subprocess.Popen([*enter, shell, "-c", command], env=environment, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=errors)
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                process.kill()
                code = -1
        watch.stop()
        tail = {name: (folder / name).read_bytes()[-SHOWN:].decode(errors="replace") for name in ("stdout", "stderr")}
        seen = sorted(watch.seen) + [self.inside(path) for path in self.files() if self.secret and self.secret in path.read_bytes()]
        return {"exitCode": code, "output": tail["stdout"], "error": tail["stderr"], "folder": self.inside(folder),
                "files": sorted(self.inside(path) for path in self.files("opt", private_machine.STATE)
                                if not path.is_relative_to(self.root / "opt/waagent")),
                "secretsSeen": seen}

    def files(self, *folders):
        return [path for folder in folders or ("etc", "opt", "run", "tmp", "var") for path in (self.root / folder).rglob("*")
                if path.is_file() and not path.is_symlink()]


class Watch:
    """Looks for the secret in the command lines of all processes, every few milliseconds."""

    def __init__(self, secret):
        self.secret, self.seen, self.ended = secret, set(), not secret
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.ended:
            for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if self.secret in (line := process.read_bytes()):
                        self.seen.add(f"command line: {line[:200]!r}")
                except OSError:
                    pass
            time.sleep(0.002)

    def stop(self):
        self.ended = True
        self.thread.join()


def main(program, authority):
    vm = Vm(program, authority)
    for line in sys.stdin:
        print(json.dumps(vm.answer(**json.loads(line))), flush=True)
    vm.machine.kill_processes()


if __name__ == "__main__":
    main(*sys.argv[1:])
