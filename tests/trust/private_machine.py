"""A Linux machine in memory for the real executable: its own file tree, processes and mounts, with a fake guest agent
under an init script. Nothing on this computer changes. Needs the namespaces that tests/trust/run makes."""

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import stat
import struct
import subprocess
import threading
import time

STATE = "var/lib/backup-remediation"
LIBRARY = "var/lib/waagent"
SNAPSHOT = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"
VERSION = "1.0.9220.0"
PROGRAM = "/opt/backup-remediation"
HANDLER = f"{LIBRARY}/Community.Backup.BackupRemediationLinux-1.0.0.0"

# What the agent read when it started is part of the machine: undo has to bring that back too.
AGENT = """#!/bin/sh
cp /etc/waagent.conf /run/agent-loaded
echo $$ > /run/waagent.pid
while :; do sleep 1000; done
"""
INIT_SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: walinuxagent
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
alive() { [ -s /run/waagent.pid ] && kill -0 "$(cat /run/waagent.pid)" 2>/dev/null; }
case $1 in
start) alive && exit 0
    rm -f /run/agent-loaded
    setsid /bin/sh /opt/waagent -daemon </dev/null >/dev/null 2>&1 &
    until [ -s /run/agent-loaded ] && alive; do sleep 0.01; done ;;
stop) alive && kill -KILL "$(cat /run/waagent.pid)"
    rm -f /run/waagent.pid /run/agent-loaded ;;
status) alive || exit 3 ;;
esac
exit 0
"""
SCRIPTS = {"pluginName": "ScriptRunner", "preScriptLocation": "/etc/azure/pre.sh",
           "postScriptLocation": "/etc/azure/post.sh", "preScriptParams": ["", ""], "postScriptParams": ["", ""],
           "preScriptNoOfRetries": 0, "postScriptNoOfRetries": 0, "timeoutInSeconds": 30,
           "continueBackupOnFailure": True, "fsFreezeEnabled": True}
# acl(5) as the kernel keeps it: user::rw-, user:1234:rwx, group::r--, mask::r-x, other::r--
ACCESS_FOR_USER_1234 = struct.pack("<I" + 5 * "HHI", 2, 1, 6, 2**32 - 1, 2, 7, 1234, 4, 4, 2**32 - 1, 16, 5, 2**32 - 1,
                                   32, 4, 2**32 - 1)
PLATFORM = "168.63.129.16"
FIREWALL = f"""table inet filter {{
    chain output {{
        type filter hook output priority 0; policy accept;
        ip daddr {PLATFORM} tcp dport {{ 80, 32526 }} reject with tcp reset
    }}
}}
"""
CONFIGURATION = """\
# switched off for the migration
Extensions.Enabled=n   # by hand
Lib.Dir=/var/lib/waagent
"""


def is_repaired(code, report):
    """Of a fix: nothing is left, or only a backup that proves it."""
    return code == 0 or code == 1 and "\nunproven: " in report and not any(
        f"\n{state}: " in report for state in ("broken", "needs-approval", "needs-operator"))


class Machine:
    def __init__(self, program, folder="/run/trust", library_options=None, cut_off=False):
        """`library_options`: the agent's library is a mount with these, so what is moved to quarantine is copied.
        `cut_off`: the agent is stopped and disabled, and a firewall rejects what goes to the platform."""
        self.root = pathlib.Path(folder)
        self.library_options = library_options
        self.cut_off = cut_off
        if cut_off:
            _serve_platform()
        self.root.mkdir(exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root)
        for name in ("usr", "proc", "dev", "etc", "opt", "run", "tmp", "var/lib", "var/log", STATE):
            (self.root / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / name).symlink_to(f"usr/{name}")
        _run("mount", "--bind", "/usr", self.root / "usr")
        _run("mount", "-o", "remount,bind,ro", self.root / "usr")
        _run("mount", "-t", "proc", "proc", self.root / "proc")
        _run("mount", "--rbind", "/dev", self.root / "dev")
        (self.root / "tmp").chmod(0o1777)
        if library_options:
            (self.root / LIBRARY).mkdir()
            _run("mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", self.root / LIBRARY)
        shutil.copy2(program, self.root / PROGRAM[1:])
        self._write("opt/waagent", AGENT, 0o755)
        self._write("etc/os-release", 'PRETTY_NAME="Trust"\nVERSION_ID=1\n')
        self._write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        self._write("etc/init.d/walinuxagent", INIT_SCRIPT, 0o755)
        for level in "2345":
            (self.root / f"etc/rc{level}.d").mkdir()
            (self.root / f"etc/rc{level}.d/S01walinuxagent").symlink_to("../init.d/walinuxagent")

    def _write(self, path, text, mode=0o644):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def reset(self):
        """The broken machine, as new: a configuration and a tree of the backup extension with all that a file can have."""
        self.kill_processes()
        for path in (LIBRARY, "var/log", STATE):
            (self.root / path).mkdir(exist_ok=True)
            for leftover in (self.root / path).iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        if self.library_options:
            _run("mount", "-o", f"remount,bind,{self.library_options}", self.root / LIBRARY)
        (self.root / STATE).chmod(0o700)
        for folder in ("etc", "run"):
            for leftover in (self.root / folder).glob(".backup-remediation.*"):
                leftover.unlink()
        for path in (self.root / "run").iterdir():
            path.unlink()

        conf = self.root / "etc/waagent.conf"
        conf.unlink(missing_ok=True)
        self._write("etc/waagent.conf", CONFIGURATION)
        os.chown(conf, 0, 7)
        conf.chmod(0o640)
        os.setxattr(conf, "trusted.note", b"kept")
        (self.root / LIBRARY).chmod(0o700)
        extension = f"{LIBRARY}/{SNAPSHOT}-{VERSION}"
        self._write(f"{LIBRARY}/{SNAPSHOT}__{VERSION}.zip", "PK")
        self._write(f"{extension}/HandlerManifest.json", "[{}]")
        self._write(f"{extension}/HandlerEnvironment.json", "[{}]")
        self._write(f"{extension}/main/handle.py", "pass\n")
        for folder in ("safefreeze", "safefreezeArm64"):
            (self.root / extension / f"main/{folder}/bin").mkdir(parents=True)
            shutil.copy2("/usr/bin/true", self.root / extension / f"main/{folder}/bin/safefreeze")
        self._write(f"{extension}/main/handle.sh", "#!/bin/sh\n" + "x" * 5000, 0o4755)
        self._write(f"{extension}/main/deep/er/file", "1", 0o400)
        self._write(f"{extension}/config/HandlerState", "NotInstalled")
        self._write(f"{extension}/config/HandlerStatus", json.dumps(
            {"name": SNAPSHOT, "status": "NotReady", "code": 1009, "message": "Non-zero exit code: 1"}))
        self._write("etc/azure/VMSnapshotScriptPluginConfig.json", json.dumps(SCRIPTS))
        self._write("etc/azure/pre.sh", "#!/bin/sh\n", 0o2755)
        self._write("etc/azure/post.sh", "#!/bin/sh\n", 0o700)
        for path in (conf, self.root / "etc/azure/pre.sh"):
            os.setxattr(path, "security.selinux", b"system_u:object_r:etc_t:s0")
            os.setxattr(path, "system.posix_acl_access", ACCESS_FOR_USER_1234)
        main = self.root / extension / "main"
        (main / "link").symlink_to("../nowhere")
        os.mkfifo(main / "pipe", 0o600)
        os.chown(main / "deep", 12, 34)
        os.setxattr(main / "deep/er/file", "trusted.note", b"\0\1")
        for path in [*(self.root / LIBRARY).rglob("*"), conf]:
            os.utime(path, ns=(10**18, 10**18 + 123456789), follow_symlinks=False)
        if self.cut_off:
            (self.root / "etc/systemd/system").mkdir(parents=True, exist_ok=True)  # which update-rc.d would make
            _run("chroot", self.root, "update-rc.d", "walinuxagent", "disable")
            subprocess.run(["nft", "-f", "-"], input="flush ruleset\n" + FIREWALL, text=True, check=True)
        else:
            self.start_agent()

    def start_agent(self):
        _run("chroot", self.root, "/etc/init.d/walinuxagent", "start")

    def command(self, *arguments):
        return ["chroot", str(self.root), PROGRAM, *arguments]

    def run(self, *arguments, wrapper=(), timeout=120):
        return subprocess.run([*wrapper, *self.command(*arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=timeout)

    def make_handler(self, settings):
        """The program's folder as the guest agent makes it, with settings number 0."""
        folder = self.root / HANDLER
        for name in ("config", "status", "bin"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "HandlerEnvironment.json").write_text(json.dumps([{
            "name": "Community.Backup", "version": 1.0, "handlerEnvironment": {
                "logFolder": "/var/log/trust", "eventsFolder": "/var/log/trust/events",
                "configFolder": f"/{HANDLER}/config", "statusFolder": f"/{HANDLER}/status",
                "heartbeatFile": f"/{HANDLER}/heartbeat"}}]))
        self.set_settings(0, publicSettings=settings)

    def set_settings(self, number, **handler_settings):
        (self.root / HANDLER / f"config/{number}.settings").write_text(
            json.dumps({"runtimeSettings": [{"handlerSettings": handler_settings}]}))

    def enable(self, number=0):
        """As the guest agent calls it."""
        return subprocess.run(self.command("enable"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=os.environ | {"ConfigSequenceNumber": str(number),
                                                "AZURE_GUEST_AGENT_EXTENSION_PATH": f"/{HANDLER}"})

    def word(self, number=0):
        """What the status file says: success, error, ...; None without one."""
        status = self.root / HANDLER / f"status/{number}.status"
        return json.loads(status.read_text())[0]["status"]["status"] if status.exists() else None

    def wait_until_idle(self):
        deadline = time.monotonic() + 60
        while self.processes(f"{PROGRAM} supervise") or self.processes(f"{PROGRAM} worker"):
            if time.monotonic() > deadline:
                return "it does not end"
            time.sleep(0.005)
        return None

    def kill_processes(self, name=None):
        """All of the machine's, or those with `name` in their command line."""
        while running := self.processes(name):
            for process in running:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.002)

    def processes(self, name=None):
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
                inside = os.readlink(process / "root") == str(self.root)
                command = (process / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            if inside and state not in "ZX" and (name is None or name in command):
                found.append(int(process.name))
        return found

    def snapshot(self):
        """Everything of the machine but our own state and logs, and what the agent has loaded."""
        found = {}
        for folder in ("etc", LIBRARY, "run", "opt", "tmp"):
            top = self.root / folder
            for path in [top, *sorted(top.rglob("*"))]:
                name = str(path.relative_to(self.root))
                if name == "run/waagent.pid":  # another one after every restart
                    continue
                found[name] = self._entry(path, times=folder == LIBRARY and path != top)
        found["mounts"] = [line.split()[5] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                           if line.split()[4] == str(self.root / LIBRARY)]
        if self.cut_off:
            found["firewall"] = subprocess.run(["nft", "list", "ruleset"], check=True, capture_output=True, text=True).stdout
        found["agent"] = bool(self.processes("/opt/waagent -daemon"))
        return found

    @staticmethod
    def _entry(path, times):
        status = path.lstat()
        entry = [stat.filemode(status.st_mode), status.st_uid, status.st_gid]
        if stat.S_ISREG(status.st_mode):
            entry.append(hashlib.sha256(path.read_bytes()).hexdigest()[:16])
        if stat.S_ISLNK(status.st_mode):
            entry.append(os.readlink(path))
        else:
            entry.append(tuple((name, os.getxattr(path, name)) for name in sorted(os.listxattr(path))))
        if times:
            entry.append(status.st_mtime_ns)
        return entry

    def journals(self):
        return sorted((self.root / STATE / "runs").glob("*/journal.jsonl"))


def differences(expected, found):
    return [f"{name}: expected {expected.get(name, 'nothing')}, found {found.get(name, 'nothing')}"
            for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]


class _Platform(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'<?xml version="1.0"?><Versions/>')

    def log_message(self, *_):
        pass


def _serve_platform():
    """On this network namespace's own loopback device."""
    _run("ip", "address", "add", PLATFORM + "/32", "dev", "lo")
    for port in (80, 32526):
        server = http.server.ThreadingHTTPServer((PLATFORM, port), _Platform)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def _run(*command):
    subprocess.run(list(map(str, command)), check=True, timeout=60, stdin=subprocess.DEVNULL)
