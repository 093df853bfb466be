"""The whole Windows program, started as a person and as the guest agent start it, under Wine.

tests/windows/run runs it: the services, the registry and the certificates are those of its Wine prefix.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
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

VSS_CODE = "ExtensionFailedVssWriterInBadState"
VSSADMIN = r"C:\windows\system32\vssadmin.exe"
WRITERS = pathlib.Path(__file__).resolve().parent.parent / "remediations/os_snapshot/vssadmin"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"

MSDTC_SETTINGS = r"HKLM\SOFTWARE\Microsoft\MSDTC\Security"
FLAGS = ((r"HKLM\SOFTWARE\Microsoft\BcdrAgent", "IsProviderInstalled"),
         (r"HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys", "IsCommonProviderInstalled"))

# The services of the guest agent, with their programs.
AGENT = {"RdAgent": "WaAppAgent.exe", "WindowsAzureGuestAgent": "WindowsAzureGuestAgent.exe"}
DOTNET_KEY = r"HKLM\SOFTWARE\Microsoft\.NETFramework"
WINHTTP_KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
AGENT_KEYS = (DOTNET_KEY, WINHTTP_KEY)

HANDLER = r"C:\Packages\Plugins\Community.Backup.BackupRemediation\1.0.0.0"


def drive_c(path):
    """Where a file of the Windows computer is seen from here."""
    return PREFIX / "drive_c" / path.removeprefix("C:\\").replace("\\", "/")


def wine(*arguments, check=True, cwd=None):
    # Into files: under Wine even a detached process keeps its parent's pipes open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run([WINE, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                              timeout=TIME_LIMIT, cwd=cwd, check=False)
        for name, file in (("stdout", out), ("stderr", err)):
            file.seek(0)
            setattr(done, name, file.read().decode().replace("\r\n", "\n"))
    if check and done.returncode != 0:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
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


def run_program(*arguments):
    """Runs a command for people with --format json: (exit code, report)."""
    done = wine(BENCH / "backup-remediation.exe", *arguments, "--format", "json", check=False)
    if not done.stdout.startswith("{"):
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.returncode, json.loads(done.stdout)


def states(report):
    return {finding["id"]: finding["state"] for finding in report["findings"]}


class WindowsCase(unittest.TestCase):
    def setUp(self):
        for name in ("COMSysApp", "MSDTC", "IaasVmProvider", "CryptSvc", "EventSystem", "SENS", "VSS", "swprv",
                     "SQLWriter", *AGENT, "KeyIso", "Dhcp"):
            service("remove", name, check=False)
        for key in {r"HKLM\SOFTWARE\Microsoft\MSDTC", *(key for key, _ in FLAGS), *AGENT_KEYS}:
            wine("reg", "delete", key, "/f", check=False)
        for ending in ("before", "after", "marker"):
            drive_c(f"{VSSADMIN}.{ending}").unlink(missing_ok=True)
        drive_c(r"C:\windows\system32\msdtc.exe.installed").unlink(missing_ok=True)
        shutil.rmtree(drive_c(r"C:\ProgramData\BackupRemediation"), ignore_errors=True)
        shutil.rmtree(drive_c(r"C:\Packages"), ignore_errors=True)
        shutil.rmtree(drive_c(r"C:\WindowsAzure"), ignore_errors=True)
        shutil.rmtree(drive_c(r"C:\windows\Microsoft.NET\Framework64"), ignore_errors=True)
        self.restart_windows()

    def restart_windows(self):
        """The service manager may keep a deleted service, and keeps the exit codes of the others, until it ends."""
        subprocess.run(["wineserver", "-k"], check=False)
        subprocess.run(["wineserver", "-w"], check=True)
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


class ComPlus(WindowsCase):
    ONLY = ("--only", "com-plus-service,msdtc-account,msdtc-not-running,msdtc-damaged")

    def test_a_healthy_computer_is_left_alone(self):
        self.install_healthy()
        code, report = run_program("fix", *self.ONLY)
        self.assertEqual(code, 0, report)
        self.assertEqual(set(states(report).values()), {"healthy"})
        self.assertIsNone(report["rootCause"])

    def test_a_disabled_com_plus_is_enabled_and_started(self):
        self.install_healthy()
        service("disable", "COMSysApp")

        code, report = run_program("diagnose", *self.ONLY)
        self.assertEqual((code, report["rootCause"]), (1, "com-plus-service"))
        code, report = run_program("fix", "--dry-run", *self.ONLY)
        self.assertEqual(Shown("COMSysApp").start, DISABLED, "a dry run changes nothing")

        code, report = run_program("fix", *self.ONLY)
        self.assertEqual((code, states(report)["com-plus-service"]), (0, "fixed"), report)
        fixed = Shown("COMSysApp")
        self.assertEqual((fixed.state, fixed.start), (RUNNING, DEMAND))

        code, _ = run_program("undo")
        self.assertEqual(code, 0)
        undone = Shown("COMSysApp")
        self.assertEqual((undone.state, undone.start), (STOPPED, DISABLED))

    def test_msdtc_gets_its_account_and_undo_takes_it_back(self):
        self.install("COMSysApp", "", "normal")
        self.install("MSDTC", "", "normal")
        code, report = run_program("fix", *self.ONLY)
        self.assertEqual((code, states(report)["msdtc-account"]), (0, "fixed"), report)
        fixed = Shown("MSDTC")
        self.assertEqual(fixed.state, RUNNING)
        self.assertEqual(fixed.account, NETWORK_SERVICE)

        code, _ = run_program("undo")
        self.assertEqual(code, 0)
        self.assertEqual(Shown("MSDTC").account, "localsystem")

    def test_msdtc_is_reinstalled_only_with_approval_and_its_settings_come_back(self):
        # COM+ works only with an MSDTC that was installed anew.
        self.install("COMSysApp", "", "refuse-unless", r"C:\windows\system32\msdtc.exe.installed")
        self.install("MSDTC", r"NT AUTHORITY\NetworkService", "normal")
        set_value(MSDTC_SETTINGS, "NetworkDtcAccess", "REG_DWORD", "1")
        set_value(MSDTC_SETTINGS, "AccountName", "REG_SZ", r"CONTOSO\dtc")
        self.assertNotEqual(service("start", "COMSysApp", check=False).returncode, 0)

        only = ("--only", "com-plus-service,msdtc-damaged")

        code, report = run_program("fix", *only)
        self.assertEqual((code, states(report)["msdtc-damaged"]), (1, "needs-approval"), report)
        self.assertFalse(drive_c(r"C:\windows\system32\msdtc.exe.installed").exists())

        code, report = run_program("fix", *only, "--max-disruption", "workload")
        # Sometimes Wine still has the deleted service after ten seconds; why is not known. Then nothing was proven.
        if "-install ended with exit code 1072" in json.dumps(report):
            self.skipTest("msdtc -install: the deleted service is still marked for deletion (error 1072)")
        self.assertEqual((code, states(report)["msdtc-damaged"]), (0, "fixed"), report)
        self.assertTrue(drive_c(r"C:\windows\system32\msdtc.exe.installed").exists())
        self.assertEqual(Shown("COMSysApp").state, RUNNING)
        self.assertEqual(Shown("MSDTC").state, RUNNING)
        self.assertEqual(Shown("MSDTC").account, NETWORK_SERVICE)
        self.assertEqual(value(MSDTC_SETTINGS, "NetworkDtcAccess"), ("REG_DWORD", "0x1"))
        self.assertEqual(value(MSDTC_SETTINGS, "AccountName"), ("REG_SZ", r"CONTOSO\dtc"))
        self.assertEqual(value(MSDTC_SETTINGS, "NetworkDtcAccessInbound"), ("REG_DWORD", "0x0"))

    def test_a_service_that_never_starts_is_not_said_to_be_fixed(self):
        self.install("COMSysApp", "", "refuse", "1234")
        self.install("MSDTC", r"NT AUTHORITY\NetworkService", "normal")
        service("start", "COMSysApp", check=False)
        code, report = run_program("fix", "--only", "com-plus-service")
        self.assertEqual((code, states(report)["com-plus-service"]), (1, "broken"))
        self.assertIn("1234", json.dumps(report))
        self.assertEqual(Shown("COMSysApp").start, DEMAND)


class AgentServices(WindowsCase):
    """The causes in the guest agent: its services are stand-ins with its names, in its folder."""

    FOLDER = r"C:\WindowsAzure\GuestAgent_2.7.41491.1172_2026-10-02_031501"

    def install_agent(self, name, *behaviour):
        program = drive_c(self.FOLDER) / AGENT[name]
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BENCH / "test_service.exe", program)
        wine(f"{self.FOLDER}\\{AGENT[name]}", "install", name, "", *(behaviour or ("normal",)))

    def exported(self, *keys):
        """What the registry has below the keys, as text."""
        content = []
        for key in keys:
            wine("reg", "export", key, r"C:\exported.reg", "/y", check=False)
            file = drive_c(r"C:\exported.reg")
            content.append(file.read_text(encoding="utf-16") if file.exists() else "absent")
            file.unlink(missing_ok=True)
        return content

    def fix(self, remediation, *more):
        code, report = run_program("fix", "--only", remediation, *more)
        self.assertEqual((code, states(report)[remediation]), (0, "fixed"), report)

    def undo(self):
        code, report = run_program("undo")
        self.assertEqual(code, 0, report)

    def test_disabled_services_are_enabled_and_started_and_undo_takes_it_back(self):
        for name in AGENT:
            self.install_agent(name)
            service("disable", name)
        code, report = run_program("fix", "--dry-run", "--only", "agent-not-running")
        self.assertEqual((code, states(report)["agent-not-running"]), (1, "broken"), report)
        self.fix("agent-not-running")
        for name in AGENT:
            self.assertEqual((Shown(name).state, Shown(name).start), (RUNNING, AUTOMATIC), name)
        self.undo()
        for name in AGENT:
            self.assertEqual((Shown(name).state, Shown(name).start), (STOPPED, DISABLED), name)

    def test_a_service_that_hangs_while_it_stops_is_ended_and_started(self):
        self.install_agent("RdAgent")
        self.install_agent("WindowsAzureGuestAgent", "hang-stop")
        for name in AGENT:
            service("start", name)
        wine("sc", "stop", "WindowsAzureGuestAgent", check=False)
        logs = drive_c(r"C:\WindowsAzure\Logs")
        logs.mkdir(parents=True)
        line = "[00000007] {} [WARN]  WindowsAzureGuestAgent stopping.\r\n"
        (logs / "WaAppAgent.log").write_text(line.format(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())))
        code, report = run_program("fix", "--only", "agent-service-hangs")
        self.assertEqual((code, states(report)["agent-service-hangs"]), (0, "healthy"), "it may still come to an end")

        hour_ago = time.gmtime(time.time() - 3600)
        (logs / "WaAppAgent.log").write_text(line.format(time.strftime("%Y-%m-%dT%H:%M:%SZ", hour_ago)))
        self.fix("agent-service-hangs")
        self.assertEqual(Shown("WindowsAzureGuestAgent").state, RUNNING)
        self.assertEqual(Shown("RdAgent").state, RUNNING)

    def test_a_service_whose_program_is_gone_gets_the_newest_copy(self):
        self.install_agent("RdAgent")
        # A disabled service is not started: Wine's service manager keeps the old path in memory.
        service("disable", "RdAgent")
        packages = drive_c(r"C:\WindowsAzure\Packages")
        packages.mkdir()
        shutil.copy(BENCH / "test_service.exe", packages / "WaAppAgent.exe")
        (drive_c(self.FOLDER) / "WaAppAgent.exe").unlink()
        key = r"HKLM\SYSTEM\CurrentControlSet\Services\RdAgent"
        before = self.exported(key)
        self.fix("agent-program-missing")
        self.assertEqual(value(key, "ImagePath")[1], r"C:\WindowsAzure\Packages\WaAppAgent.exe RdAgent normal")
        self.undo()
        self.assertEqual(self.exported(key), before)

    def test_services_that_the_agent_and_its_network_need(self):
        for name, remediation, start in (("KeyIso", "key-isolation-unavailable", DEMAND),
                                         ("Dhcp", "dhcp-client-stopped", AUTOMATIC)):
            with self.subTest(name):
                service("remove", name, check=False)  # Wine has some of them
                self.install(name, "", "normal")
                service("disable", name)
                self.fix(remediation)
                self.assertEqual((Shown(name).state, Shown(name).start), (RUNNING, start))
                self.undo()
                self.assertEqual((Shown(name).state, Shown(name).start), (STOPPED, DISABLED))

    def test_registry_values_are_set_and_undo_leaves_an_identical_registry(self):
        set_value(DOTNET_KEY, "Enable64Bit", "REG_DWORD", "0")
        proxy, bypass = b"proxy.example:3128", b"<local>"
        settings = b"".join(n.to_bytes(4, "little") for n in (0x18, 0, 3))
        settings += len(proxy).to_bytes(4, "little") + proxy + len(bypass).to_bytes(4, "little") + bypass
        set_value(WINHTTP_KEY, "WinHttpSettings", "REG_BINARY", settings.hex())
        before = self.exported(*AGENT_KEYS)

        self.fix("dotnet-32-bit-forced")
        self.assertEqual(value(DOTNET_KEY, "Enable64Bit"), ("REG_DWORD", "0x1"))
        self.undo()
        self.fix("system-proxy")
        written = bytes.fromhex(value(WINHTTP_KEY, "WinHttpSettings")[1])
        self.assertTrue(written.endswith(b"<local>;168.63.129.16;169.254.169.254"), written)
        self.undo()
        self.assertEqual(self.exported(*AGENT_KEYS), before)

    def test_the_configuration_of_dotnet_is_repaired_from_its_default(self):
        folder = drive_c(r"C:\windows\Microsoft.NET\Framework64\v4.0.30319\Config")
        folder.mkdir(parents=True)
        good = b'<?xml version="1.0"?>\r\n<configuration>\r\n  <runtime />\r\n</configuration>\r\n'
        (folder / "machine.config.default").write_bytes(good)
        damaged = folder / "machine.config"
        damaged.write_bytes(good[:40])
        code, report = run_program("fix", "--only", "machine-config-damaged")
        self.assertEqual((code, states(report)["machine-config-damaged"]), (1, "needs-approval"), report)
        self.fix("machine-config-damaged", "--max-disruption", "workload")
        self.assertEqual(damaged.read_bytes(), good)
        self.undo()
        self.assertEqual(damaged.read_bytes(), good[:40])

        sink = b'<Microsoft.VisualStudio.Diagnostics.ServiceModelSink.Behavior />'
        damaged.write_bytes(good.replace(b"<runtime />", b"<runtime>" + sink + b"</runtime>"))
        self.fix("wcf-profiling-enabled", "--max-disruption", "workload")
        self.assertEqual(damaged.read_bytes(), good.replace(b"<runtime />", b"<runtime></runtime>"))
        self.undo()
        self.assertIn(sink, damaged.read_bytes())


class ProviderFlags(WindowsCase):
    ONLY = ("--only", "provider-flags")

    def test_flags_of_a_missing_provider_are_reset_and_undo_restores_them(self):
        (key, name), (other_key, other_name) = FLAGS
        set_value(key, name, "REG_EXPAND_SZ", "True")
        code, report = run_program("fix", *self.ONLY)
        self.assertEqual((code, states(report)["provider-flags"]), (0, "fixed"), report)
        self.assertEqual(value(key, name), ("REG_SZ", "False"))
        self.assertIsNone(value(other_key, other_name))
        code, _ = run_program("undo")
        self.assertEqual(code, 0)
        self.assertEqual(value(key, name), ("REG_EXPAND_SZ", "True"))
        self.assertIsNone(value(other_key, other_name))

    def test_undo_leaves_alone_what_somebody_changed_since(self):
        key, name = FLAGS[1]
        set_value(key, name, "REG_SZ", "True")
        run_program("fix", *self.ONLY)
        set_value(key, name, "REG_SZ", "somebody else's")
        run_program("undo")
        self.assertEqual(value(key, name), ("REG_SZ", "somebody else's"))

    def test_flags_of_a_working_provider_stay(self):
        self.install("IaasVmProvider", "", "normal")
        set_value(*FLAGS[0], "REG_SZ", "True")
        code, report = run_program("fix", *self.ONLY)
        self.assertEqual((code, states(report)["provider-flags"]), (0, "healthy"))
        self.assertEqual(value(*FLAGS[0]), ("REG_SZ", "True"))


class Services(WindowsCase):
    def test_a_disabled_service_gets_its_usual_start_type_and_undo_takes_it_back(self):
        self.install("EventSystem", "", "normal")
        service("disable", "EventSystem")
        code, report = run_program("fix", "--only", "event-system-service")
        self.assertEqual((code, states(report)["event-system-service"]), (0, "fixed"), report)
        fixed = Shown("EventSystem")
        self.assertEqual((fixed.state, fixed.start), (RUNNING, AUTOMATIC))
        run_program("undo")
        undone = Shown("EventSystem")
        self.assertEqual((undone.state, undone.start), (STOPPED, DISABLED))

    def test_a_service_that_hangs_while_it_starts_is_not_said_to_be_fixed(self):
        self.install("VSS", "", "hang-start")
        hanging = subprocess.Popen([WINE, BENCH / "test_service.exe", "start", "VSS"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(hanging.wait)
        self.addCleanup(hanging.kill)
        for _ in range(TIME_LIMIT * 10):
            if Shown("VSS").state == START_PENDING:
                break
            time.sleep(0.1)
        code, report = run_program("fix", "--only", "vss-service")
        self.assertEqual((code, states(report)["vss-service"]), (1, "broken"), report)
        self.assertIn("hangs while it is starting", json.dumps(report))


class VssWriters(WindowsCase):
    ONLY = ("--only", "vss-writer-failed", "--error-code", VSS_CODE)

    def print_writers(self, ending, language="japanese.cp932", states=b""):
        """What vssadmin prints; with `states`, each of them in place of a failed one."""
        text = (WRITERS / f"{language}.txt").read_bytes()
        drive_c(f"{VSSADMIN}.{ending}").write_bytes(text.replace(b"[8]", states) if states else text)

    def test_the_service_of_a_failed_writer_is_restarted_in_any_language(self):
        self.print_writers("before")
        self.print_writers("after", states=b"[1]")
        self.install("CryptSvc", "", "touch", f"{VSSADMIN}.marker")
        service("start", "CryptSvc")
        drive_c(f"{VSSADMIN}.marker").unlink()
        code, report = run_program("fix", *self.ONLY)
        self.assertEqual((code, states(report)["vss-writer-failed"]), (0, "fixed"), report)
        self.assertEqual(Shown("CryptSvc").state, RUNNING)
        self.assertIn("System Writer", json.dumps(report))

    def test_a_writer_that_stays_failed_is_not_said_to_be_fixed(self):
        self.print_writers("before", "russian.cp866")
        self.install("CryptSvc", "", "normal")
        code, report = run_program("fix", *self.ONLY)
        self.assertEqual((code, states(report)["vss-writer-failed"]), (1, "broken"), report)

    def test_a_service_that_refuses_to_stop_is_told(self):
        self.print_writers("before", "german.cp850")
        self.install("CryptSvc", "", "hang-stop")
        service("start", "CryptSvc")
        code, report = run_program("fix", *self.ONLY)
        self.assertEqual((code, states(report)["vss-writer-failed"]), (1, "broken"), report)
        self.assertIn("CryptSvc", json.dumps(report))


class RegistrySettings(WindowsCase):
    """Each is set, and undo brings back an identical export."""

    def fix_and_undo(self, remediation, keys, *arguments):
        before = [self.export(key) for key in keys]
        code, report = run_program("fix", "--only", remediation, *arguments)
        self.assertEqual((code, states(report)[remediation]), (0, "fixed"), report)
        fixed = [self.export(key) for key in keys]
        self.assertNotEqual(fixed, before)
        run_program("undo")
        self.assertEqual([self.export(key) for key in keys], before)

    def export(self, key):
        return wine("reg", "query", key, "/s", check=False).stdout

    def test_the_host_is_asked_first(self):
        key = r"HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys"
        set_value(key, "SnapshotMethod", "REG_EXPAND_SZ", "onlyGuest")
        self.fix_and_undo("snapshot-from-host", [key], "--error-code", "ExtensionFailedTimeoutVMNetworkUnresponsive")

    def test_strong_crypto_is_on_for_every_dotnet(self):
        keys = [rf"HKLM\SOFTWARE\{node}Microsoft\.NETFramework\{version}"
                for node in ("", "WOW6432Node\\") for version in ("v4.0.30319", "v2.0.50727")]
        for key in keys[:3]:
            set_value(key, "SchUseStrongCrypto", "REG_DWORD", "0")
        self.fix_and_undo("strong-crypto-off", keys, "--error-code", "ExtensionSnapshotFailedNoSecureNetwork")

    def test_network_service_may_be_a_writer(self):
        key = rf"{SERVICES}\VSS\VssAccessControl"
        set_value(key, r"NT Authority\NetworkService", "REG_DWORD", "0")
        self.fix_and_undo("vss-access-control", [key])

    def test_the_provider_finds_its_library(self):
        self.install("swprv", "", "normal")
        key = rf"{SERVICES}\swprv\Parameters"
        set_value(key, "ServiceDll", "REG_SZ", r"C:\wrong.dll")
        drive_c(r"C:\windows\system32\swprv.dll").write_bytes(b"MZ")
        self.fix_and_undo("shadow-copy-provider-library", [key])

    def test_a_provider_whose_program_is_gone_is_unregistered(self):
        providers = rf"{SERVICES}\VSS\Providers"
        provider = rf"{providers}\{{11aa22bb-33cc-4d44-8e55-66ff77889900}}"
        class_id = "{22bb33cc-44dd-4e55-8f66-77008899aabb}"
        set_value(provider, "Type", "REG_DWORD", "2")
        wine("reg", "add", provider, "/ve", "/d", "Contoso VSS Provider", "/f")
        wine("reg", "add", rf"{provider}\CLSID", "/ve", "/d", class_id, "/f")
        wine("reg", "add", rf"HKLM\SOFTWARE\Classes\CLSID\{class_id}\InprocServer32", "/ve", "/d",
             r"C:\Program Files\Contoso\gone.dll", "/f")
        self.addCleanup(wine, "reg", "delete", providers, "/f", check=False)
        self.fix_and_undo("other-vss-provider", [providers], "--max-disruption", "workload")


class CommandLine(WindowsCase):
    def test_arguments_are_not_limited_to_the_code_page(self):
        done = wine(BENCH / "backup-remediation.exe", "explain", "Größe-日本", check=False)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("Größe-日本", done.stdout + done.stderr)

    def test_a_capture_of_this_computer_is_diagnosed_alike(self):
        self.install_healthy()
        # What Windows has and Wine has not.
        for name in ("EventSystem", "SENS", "CryptSvc", "VSS", "swprv"):
            self.install(name, "", "normal")
            service("start", name)
        set_value(rf"{SERVICES}\swprv\Parameters", "ServiceDll", "REG_EXPAND_SZ", r"%SystemRoot%\System32\swprv.dll")
        drive_c(r"C:\windows\system32\swprv.dll").write_bytes(b"MZ")
        service("disable", "MSDTC")
        folder = self.folder_for_capture()
        self.assertEqual(wine(BENCH / "backup-remediation.exe", "capture", "--output", folder, check=False).returncode, 0)
        _, live = run_program("diagnose")
        _, captured = run_program("diagnose", "--capture", folder)
        differing = [(one, other) for one, other in zip(live["findings"], captured["findings"])
                     if one["state"] != other["state"]]
        self.assertEqual(states(captured), states(live), differing)
        self.assertEqual(captured["rootCause"], "msdtc-not-running")

    def folder_for_capture(self):
        shutil.rmtree(drive_c(r"C:\capture"), ignore_errors=True)
        return r"C:\capture"


class GuestAgent(WindowsCase):
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

    def test_the_settings_that_only_this_computer_can_decrypt_decide_what_is_fixed(self):
        self.install_healthy()
        service("disable", "COMSysApp")
        self.assertEqual(self.agent_calls("install").returncode, 0)
        self.settings(0, protected=self.encrypted({"mode": "fix", "only": ["com-plus-service"]}))
        enabled = self.agent_calls("enable")
        self.assertEqual(enabled.returncode, 0, enabled.stdout + enabled.stderr)
        status = self.terminal_status(0)
        self.assertEqual(status["status"], "success", status)
        fixed = Shown("COMSysApp")
        self.assertEqual((fixed.state, fixed.start), (RUNNING, DEMAND), status)

        # The same number again, as after every restart of the agent: nothing is done twice.
        service("disable", "COMSysApp")
        self.assertEqual(self.agent_calls("enable").returncode, 0)
        self.assertEqual(self.terminal_status(0), status)
        self.assertEqual(Shown("COMSysApp").start, DISABLED)

        # Undo works over what the extension did.
        self.assertEqual(self.agent_calls("disable").returncode, 0)
        self.assertEqual(self.agent_calls("uninstall").returncode, 0)

    def enable_in_job(self, kind):
        """Enables in a job that ends what is left in it, while the fix still waits for a service."""
        self.install("COMSysApp", "", "slow-start", "4000")
        self.install("MSDTC", r"NT AUTHORITY\NetworkService", "normal")
        service("disable", "COMSysApp")
        self.settings(0, public={"mode": "fix", "only": ["com-plus-service"]})
        done = wine(BENCH / "in_job.exe", kind, HANDLER + r"\bin\backup-remediation.exe", "enable", check=False,
                    cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.status_word(0), "transitioning")

    def status_word(self, sequence):
        return json.loads((self.folder / f"Status/{sequence}.status").read_text())[0]["status"]["status"]

    def test_the_work_outlives_the_job_of_the_agent(self):
        self.enable_in_job("breakaway")
        self.assertEqual(self.terminal_status(0)["status"], "success")
        self.assertEqual(Shown("COMSysApp").state, RUNNING)

    def test_work_that_ended_with_the_job_of_the_agent_is_done_again(self):
        self.enable_in_job("strict")
        time.sleep(6)
        self.assertEqual(self.status_word(0), "transitioning", "nobody was left to finish it")
        self.assertEqual(self.agent_calls("enable").returncode, 0)
        self.assertEqual(self.terminal_status(0)["status"], "success")
        fixed = Shown("COMSysApp")
        self.assertEqual((fixed.state, fixed.start), (RUNNING, DEMAND))

    def test_settings_for_somebody_else_are_a_clear_error(self):
        self.settings(3, protected=self.encrypted({"mode": "fix"}, "other.crt"))
        enabled = self.agent_calls("enable")
        self.assertNotEqual(enabled.returncode, 0)
        status = self.terminal_status(3)
        self.assertEqual(status["status"], "error")
        self.assertIn("not encrypted to certificate", status["formattedMessage"]["message"])

    def test_damaged_settings_are_a_clear_error_without_their_content(self):
        self.settings(4, protected=self.encrypted({"mode": "fix"})[:-20])
        self.assertNotEqual(self.agent_calls("enable").returncode, 0)
        status = self.terminal_status(4)
        self.assertEqual(status["status"], "error")
        self.assertIn("CMS", status["formattedMessage"]["message"])

    def test_a_diagnosis_ends_in_success_and_a_layer_each(self):
        self.install_healthy()
        self.settings(7, public={"mode": "diagnose"})
        self.assertEqual(self.agent_calls("enable").returncode, 0)
        status = self.terminal_status(7)
        self.assertEqual(status["status"], "success", status)
        names = [part["name"] for part in status["substatus"]]
        for layer in ("guest-agent", "backup-extension", "os-snapshot", "managed-disk", "network", "vault"):
            self.assertIn(layer, " ".join(names))


if __name__ == "__main__":
    unittest.main()
