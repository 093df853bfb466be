"""A Windows computer under Wine for the tests beside this file; tests/windows/run starts them."""

import atexit
import base64
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

WINE = os.environ["TEST_WINE"]
PREFIX = pathlib.Path(os.environ["WINEPREFIX"])
BENCH = pathlib.Path(os.environ["TEST_BENCH"].removeprefix("Z:"))
TIME_LIMIT = 120

RUNNING, STOPPED, START_PENDING = "4", "1", "2"
AUTOMATIC, DEMAND, DISABLED = "2", "3", "4"
NETWORK_SERVICE = r"ntauthority\networkservice"  # msdtc.exe and the service manager space it differently

VSSADMIN = r"C:\windows\system32\vssadmin.exe"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"

# The services of the guest agent, with their programs.
AGENT = {"RdAgent": "WaAppAgent.exe", "WindowsAzureGuestAgent": "WindowsAzureGuestAgent.exe"}
AGENT_FOLDER = r"C:\WindowsAzure\GuestAgent_2.7.41491.1172_2026-10-02_031501"
HANDLER = r"C:\Packages\Plugins\Community.Backup.BackupRemediation\1.0.0.0"


def drive_c(path):
    """Where a file of the Windows computer is seen from here."""
    return PREFIX / "drive_c" / path.removeprefix("C:\\").replace("\\", "/")


def wine(program, *arguments, check=True, cwd=None):
    """Runs a program by its path, or one of Windows' own by its name."""
    # A bare name goes through the shell of Wine, which now and then fails on a busy computer.
    if program in ("reg", "sc"):
        program = rf"C:\windows\system32\{program}.exe"
    # All of them say why they fail. On a busy computer Wine now and then starts nothing, and says nothing.
    for _ in range(3):
        done = wine_once(program, *arguments, cwd=cwd)
        if done.returncode == 0 or done.stdout or done.stderr:
            break
        print(f"ended with {done.returncode} and said nothing: {program} {arguments}", file=sys.stderr)
    if check and done.returncode != 0:
        raise AssertionError(f"{program} {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


def wine_once(program, *arguments, cwd):
    # Into files: under Wine even a detached process keeps its parent's pipes open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run([WINE, *map(str, (program, *arguments))], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                              timeout=TIME_LIMIT, cwd=cwd, check=False)
        for name, file in (("stdout", out), ("stderr", err)):
            file.seek(0)
            setattr(done, name, file.read().decode().replace("\r\n", "\n"))
    return done


def service(verb, *arguments, check=True):
    return wine(BENCH / "test_service.exe", verb, *arguments, check=check)


class Shown:
    """A service as the service manager shows it."""

    def __init__(self, name):
        line = service("show", name).stdout.strip()
        self.absent = line == "absent"
        if not self.absent:
            self.state, self.start, self.exit_code, self.account = line.split(" ", 3)
            self.account = self.account.lower().replace(" ", "")


def set_value(key, name, kind, data):
    wine("reg", "add", key, "/v", name, "/t", kind, "/d", data, "/f")


def value(key, name):
    """(type, data), or None where it is absent."""
    done = wine("reg", "query", key, "/v", name, check=False)
    for line in done.stdout.splitlines():
        words = line.split(None, 2)
        if words and words[0].lower() == name.lower():
            return words[1], words[2] if len(words) > 2 else ""
    return None


def exported(*keys):
    """What the registry has below the keys, as text; "absent" for a key that is not there."""
    content = []
    for key in keys:
        file = drive_c(r"C:\exported.reg")
        file.unlink(missing_ok=True)
        done = wine("reg", "export", key, r"C:\exported.reg", "/y", check=False)
        if done.returncode == 0:
            content.append(file.read_text(encoding="utf-16"))
        else:
            assert wine("reg", "query", key, check=False).returncode != 0, f"{key}: {done.stdout}{done.stderr}"
            content.append("absent")
    return content


def run_program(*arguments):
    """Runs a command for people with --format json: (exit code, report)."""
    done = wine(BENCH / "backup-remediation.exe", *arguments, "--format", "json", check=False)
    if not done.stdout.startswith("{"):
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.returncode, json.loads(done.stdout)


def states(report):
    return {finding["id"]: finding["state"] for finding in report["findings"]}


@functools.cache
def registry_files():
    """The registry of a computer without what the tests bring themselves, as Wine keeps it: {file: content}."""
    for name in ("COMSysApp", "MSDTC", "CryptSvc", "EventSystem", "SENS", "VSS", "swprv", "KeyIso", "Dhcp", "msiserver",
                 "Winmgmt"):
        service("remove", name, check=False)
    end_windows()
    return {file: file.read_bytes() for file in PREFIX.glob("*.reg")}


def end_windows():
    subprocess.run(["wineserver", "-k"], check=False)
    subprocess.run(["wineserver", "-w"], check=True)


durations = {}


@atexit.register
def print_durations():
    slowest = sorted(durations.items(), key=lambda entry: -entry[1])
    for name, seconds in slowest[:8]:
        print(f"{seconds:6.1f} s  {name}", file=sys.stderr)


class WindowsCase(unittest.TestCase):
    """Every test has a computer of its own: the registry and the services are put back, not cleaned up."""

    def setUp(self):
        began = time.monotonic()
        self.addCleanup(lambda: durations.update({self.id(): time.monotonic() - began}))
        files = registry_files()
        end_windows()
        for file, content in files.items():
            file.write_bytes(content)
        for folder in (r"C:\ProgramData\BackupRemediation", r"C:\Packages", r"C:\WindowsAzure",
                       r"C:\windows\Microsoft.NET\Framework64"):
            shutil.rmtree(drive_c(folder), ignore_errors=True)
        for file in (f"{VSSADMIN}.before", f"{VSSADMIN}.after", f"{VSSADMIN}.marker",
                     r"C:\windows\system32\msdtc.exe.installed", r"C:\windows\system32\swprv.dll"):
            drive_c(file).unlink(missing_ok=True)
        # Services end with the last ordinary process.
        hold = subprocess.Popen([WINE, BENCH / "test_service.exe", "hold"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(hold.stdout.close)
        self.addCleanup(hold.wait, TIME_LIMIT)
        self.addCleanup(hold.kill)
        hold.stdout.readline()  # "ready": the service manager runs now

    def install(self, name, account, *behaviour):
        service("install", name, account, *behaviour)

    def install_healthy(self):
        self.install("COMSysApp", "", "normal")
        self.install("MSDTC", r"NT AUTHORITY\NetworkService", "normal")

    def install_agent(self, name, *behaviour):
        """A stand-in for a service of the guest agent, with its name, in its folder."""
        program = drive_c(AGENT_FOLDER) / AGENT[name]
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BENCH / "test_service.exe", program)
        wine(f"{AGENT_FOLDER}\\{AGENT[name]}", "install", name, "", *(behaviour or ("normal",)))

    def fix(self, remediation, *more, proven=True):
        """The program's fix of this one cause succeeds; not `proven` is what only the next backup proves."""
        code, report = run_program("fix", "--only", remediation, *more)
        self.assertEqual((code, states(report)[remediation]), (0, "fixed") if proven else (1, "unproven"), report)
        return report

    def undo(self):
        code, report = run_program("undo")
        self.assertEqual(code, 0, report)

    def wait_until(self, condition, what):
        deadline = time.monotonic() + TIME_LIMIT
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"not within {TIME_LIMIT} seconds: {what}")
            time.sleep(0.1)


class GuestAgentCase(WindowsCase):
    """What the Windows guest agent does: lays out the folder, writes the settings, calls the commands."""

    def setUp(self):
        super().setUp()
        self.folder = drive_c(HANDLER)
        for name in ("bin", "RuntimeSettings", "Status"):
            (self.folder / name).mkdir(parents=True)
        shutil.copy(BENCH / "backup-remediation.exe", self.folder / "bin")
        environment = {"logFolder": r"C:\WindowsAzure\Logs\Plugins\Community.Backup.BackupRemediation\1.0.0.0",
                       "configFolder": HANDLER + r"\RuntimeSettings", "statusFolder": HANDLER + r"\Status",
                       "heartbeatFile": HANDLER + r"\Status\HeartBeat.Json"}
        (self.folder / "HandlerEnvironment.json").write_text(json.dumps(
            [{"name": "Community.Backup.BackupRemediation", "version": 1.0, "handlerEnvironment": environment}]))

    def run(self, result=None):
        """A failed test shows what the extension logged."""
        result = super().run(result)
        if any(test is self for test, _ in result.failures + result.errors):
            for log in drive_c(r"C:\WindowsAzure\Logs\Plugins").rglob("*.log"):
                print(f"{log.name}:\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        return result

    def agent_calls(self, command):
        return wine(HANDLER + r"\bin\backup-remediation.exe", command, check=False, cwd=self.folder)

    def settings(self, sequence, public=None, protected=None):
        handler = {"publicSettings": public}
        if protected is not None:
            handler["protectedSettings"] = base64.b64encode(protected).decode()
            handler["protectedSettingsCertThumbprint"] = (BENCH / "agent.thumbprint").read_text()
        content = {"runtimeSettings": [{"handlerSettings": handler}]}
        (self.folder / f"RuntimeSettings/{sequence}.settings").write_text(json.dumps(content))

    def encrypted(self, settings, certificate="agent.crt"):
        return subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-aes256", "-outform", "DER",
                               BENCH / certificate], input=json.dumps(settings).encode(), check=True,
                              capture_output=True).stdout

    def terminal_status(self, sequence):
        """The status file's object once it is no longer transitioning."""
        path = self.folder / f"Status/{sequence}.status"
        seen = "no status file"
        for _ in range(TIME_LIMIT * 10):
            if path.exists():
                seen = json.loads(path.read_text())[0]["status"]
                if seen["status"] != "transitioning":
                    return seen
            time.sleep(0.1)
        raise AssertionError(f"no terminal status: {seen}")
