"""The whole Windows program, started as a person and as the guest agent start it, under Wine.

tests/windows/run runs it: the services, the registry and the certificates are those of its Wine prefix.
"""

import datetime
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import zipfile
from unittest import mock

from windows_case import (AGENT, AGENT_FOLDER, AUTOMATIC, BENCH, DEMAND, DISABLED, HANDLER, NETWORK_SERVICE, RUNNING,
                          SERVICES, START_PENDING, STOPPED, TIME_LIMIT, VSSADMIN, WINE, GuestAgentCase, Shown,
                          WindowsCase, drive_c, exported, run_program, service, set_value, states, value, wine)

EXTENSION = r"C:\Packages\Plugins\Microsoft.Azure.RecoveryServices.VMSnapshot"
WIRE_SERVER = "168.63.129.16"
ALLOWED = "--allow-security-changes"
VSS_CODE = "ExtensionFailedVssWriterInBadState"
WRITERS = pathlib.Path(__file__).resolve().parent.parent / "remediations/knowledge/snapshot/vssadmin"
MSDTC_SETTINGS = r"HKLM\SOFTWARE\Microsoft\MSDTC\Security"
FLAGS = ((r"HKLM\SOFTWARE\Microsoft\BcdrAgent", "IsProviderInstalled"),
         (r"HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys", "IsCommonProviderInstalled"))
DOTNET_KEY = r"HKLM\SOFTWARE\Microsoft\.NETFramework"
WINHTTP_KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"


class Applied(WindowsCase):
    """What manifest/run/run.ps1 calls where there is no guest agent's handler."""

    def run_with_input(self, command, text):
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out:
            given.write(text)
            given.seek(0)
            code = subprocess.run([WINE, BENCH / "backup-remediation.exe", command], stdin=given, stdout=out,
                                  timeout=TIME_LIMIT).returncode
            out.seek(0)
            return code, out.read().decode()

    def test_runs_the_settings_on_its_standard_input_and_leaves_nothing(self):
        code, shown = self.run_with_input("apply", b'\xef\xbb\xbf{"publicSettings": {"only": ["provider-flags"]}}')
        self.assertEqual(code, 0, shown)
        self.assertIn(r"Full report: C:\ProgramData\BackupRemediation\logs\backup-remediation-report-", shown)
        code, shown = self.run_with_input("apply", b'{"publicSettings": {"mode": "repair"}}')
        self.assertEqual(code, 4, shown)
        self.assertIn('"repair" is no mode', shown)
        self.assertEqual(self.run_with_input("clean-up", b""), (0, ""))
        self.assertFalse(drive_c(r"C:\ProgramData\BackupRemediation\applied").exists())
        self.assertFalse(drive_c(r"C:\ProgramData\BackupRemediation\logs").exists())


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
        self.assertEqual((code, states(report)["com-plus-service"]), (1, "needs-approval"), report)
        self.assertEqual(Shown("COMSysApp").start, DISABLED, "who disabled it may have had a reason")

        code, report = run_program("fix", *self.ONLY, ALLOWED)
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
        (drive_c(AGENT_FOLDER) / "WaAppAgent.exe").unlink()
        key = r"HKLM\SYSTEM\CurrentControlSet\Services\RdAgent"
        before = exported(key)
        self.fix("agent-program-missing")
        self.assertEqual(value(key, "ImagePath")[1], r"C:\WindowsAzure\Packages\WaAppAgent.exe RdAgent normal")
        self.undo()
        self.assertEqual(exported(key), before)

    def test_registry_values_are_set_and_undo_leaves_an_identical_registry(self):
        set_value(DOTNET_KEY, "Enable64Bit", "REG_DWORD", "0")
        proxy, bypass = b"proxy.example:3128", b"<local>"
        settings = b"".join(n.to_bytes(4, "little") for n in (0x18, 0, 3))
        settings += len(proxy).to_bytes(4, "little") + proxy + len(bypass).to_bytes(4, "little") + bypass
        set_value(WINHTTP_KEY, "WinHttpSettings", "REG_BINARY", settings.hex())
        before = exported(DOTNET_KEY, WINHTTP_KEY)

        self.fix("dotnet-32-bit-forced")
        self.assertEqual(value(DOTNET_KEY, "Enable64Bit"), ("REG_DWORD", "0x1"))
        self.undo()
        self.fix("system-proxy")
        written = bytes.fromhex(value(WINHTTP_KEY, "WinHttpSettings")[1])
        self.assertTrue(written.endswith(b"<local>;168.63.129.16;169.254.169.254"), written)
        self.undo()
        self.assertEqual(exported(DOTNET_KEY, WINHTTP_KEY), before)

    def test_an_installer_that_others_could_change_is_refused(self):
        drive_c(r"C:\agent.msi").write_bytes(b"an installer")
        self.addCleanup(drive_c(r"C:\agent.msi").unlink)
        code, report = run_program("fix", "--only", "agent-reinstall", "--agent-installer", r"C:\agent.msi")
        self.assertEqual((code, states(report)["agent-reinstall"]), (1, "needs-operator"), report)
        # Wine gives every file to the user.
        self.assertIn("could be changed by S-1-5-21-0-0-0-1000", json.dumps(report))

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


class StateFolder(WindowsCase):
    def test_one_that_somebody_else_made_is_set_aside(self):
        squatted = drive_c(r"C:\ProgramData\BackupRemediation")
        aside = squatted.with_name("BackupRemediation.not-ours-1")
        self.addCleanup(shutil.rmtree, aside, ignore_errors=True)
        squatted.mkdir()
        (squatted / "planted").touch()
        os.chown(squatted, 12345, 12345)
        set_value(*FLAGS[1], "REG_SZ", "True")
        self.fix("provider-flags")
        self.assertEqual([file.name for file in aside.iterdir()], ["planted"])
        self.assertFalse((squatted / "planted").exists())
        self.undo()
        self.assertEqual(value(*FLAGS[1]), ("REG_SZ", "True"))


class PlantedLibraries(WindowsCase):
    """Beside the program, as in a folder of downloads. Wine prefers them where its overrides say so; Windows prefers all
    that are no known DLLs."""

    # Without version.dll: Wine's own shell32.dll imports it.
    NAMES = ("bcrypt", "crypt32", "iphlpapi", "ncrypt", "userenv", "winhttp")

    def run_beside(self, program, *words, names=NAMES):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        copy = shutil.copy(BENCH / program, folder.name)
        for name in names:
            shutil.copy(BENCH / "planted.dll", pathlib.Path(folder.name) / f"{name}.dll")
        return subprocess.run([WINE, copy, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=TIME_LIMIT,
                              env={**os.environ, "WINEDLLOVERRIDES": ";".join(f"{name}=n,b" for name in names)}).returncode

    def test_are_not_loaded(self):
        self.assertEqual(self.run_beside("imports_version.exe", names=["version"]), 99, "the trap works")
        for name in self.NAMES:
            with self.subTest(name):
                self.assertEqual(self.run_beside("backup-remediation.exe", "--version", names=[name]), 0)
                self.assertIn(self.run_beside("backup-remediation.exe", "diagnose", names=[name]), (0, 1, 3))


class Guard(WindowsCase):
    """Wine's Task Scheduler starts nothing, so the task's own command is called here."""

    FOLDER = r"C:\ProgramData\BackupRemediation\guard"

    def guard(self, *words):
        return wine(BENCH / "backup-remediation.exe", "guard", *words, check=False)

    def test_it_is_switched_on_looks_and_leaves_no_trace(self):
        on = self.guard("on", "--watch", "--hours", "2")
        self.addCleanup(self.guard, "off")
        self.assertEqual(on.returncode, 0, on.stdout + on.stderr)
        status = json.loads(self.guard("status", "--format", "json").stdout)
        self.assertEqual((status["mode"], status["hours"], status["suspended"]), ("watch", 2, False))
        copy = drive_c(self.FOLDER) / "backup-remediation.exe"
        self.assertEqual(copy.read_bytes(), (BENCH / "backup-remediation.exe").read_bytes())
        look = wine(copy, "guard-tick", check=False)
        self.assertEqual(look.returncode, 0, look.stdout + look.stderr)

        off = self.guard("off")
        self.assertEqual(off.returncode, 0, off.stdout + off.stderr)
        self.assertEqual(json.loads(self.guard("status", "--format", "json").stdout)["mode"], "off")
        self.assertFalse(drive_c(self.FOLDER).exists())


class Services(WindowsCase):
    def disabled_ones_are_fixed_and_undone(self, *cases):
        for name, *_ in cases:
            self.install(name, "", "normal")
            service("disable", name)
        keys = [rf"{SERVICES}\{name}" for name, *_ in cases]
        before = exported(*keys)
        code, report = run_program("fix", ALLOWED, "--only", ",".join(remediation for _, remediation, *_ in cases))
        self.assertEqual((code, states(report)), (0, {remediation: "fixed" for _, remediation, *_ in cases}), report)
        for name, _, start, state in cases:
            fixed = Shown(name)
            self.assertEqual((name, fixed.start, fixed.state), (name, start, state))
        self.undo()
        for name, *_ in cases:
            self.assertEqual((name, Shown(name).state), (name, STOPPED))
        self.assertEqual(exported(*keys), before)

    def test_a_disabled_service_gets_its_usual_start_type_and_undo_takes_it_back(self):
        self.disabled_ones_are_fixed_and_undone(("EventSystem", "event-system-service", AUTOMATIC, RUNNING),
                                                ("CryptSvc", "cryptographic-services", AUTOMATIC, RUNNING),
                                                ("Winmgmt", "management-instrumentation", AUTOMATIC, RUNNING),
                                                ("KeyIso", "key-isolation-unavailable", DEMAND, RUNNING),
                                                ("Dhcp", "dhcp-client-stopped", AUTOMATIC, RUNNING),
                                                ("swprv", "shadow-copy-provider-service", DEMAND, STOPPED),
                                                ("msiserver", "windows-installer-disabled", DEMAND, STOPPED),
                                                ("IaasVmProvider", "provider-service-disabled", AUTOMATIC, STOPPED))

    def test_the_services_that_another_one_explains_too(self):
        self.disabled_ones_are_fixed_and_undone(("SENS", "system-event-notification", AUTOMATIC, RUNNING),
                                                ("VSS", "vss-service", DEMAND, STOPPED))

    def test_a_service_that_is_deleted_during_its_fix_is_told_and_nothing_else_changes(self):
        def without(name, text):
            keys = text.split("\n[")
            return [key for key in keys if not re.match(rf"[^]]*\\Services\\{name}[]\\]", key)]

        self.install("EventSystem", "", "delete-itself")
        service("disable", "EventSystem")
        before = without("EventSystem", *exported(SERVICES))
        began = time.monotonic()
        code, report = run_program("fix", ALLOWED, "--only", "event-system-service")
        self.assertLess(time.monotonic() - began, TIME_LIMIT / 2)
        finding, = report["findings"]
        # Windows forgets it at once, Wine after a second.
        self.assertEqual((code, finding["state"] in ("needs-operator", "broken")), (1, True), report)
        self.assertRegex(json.dumps(finding), "EventSystem is (not installed|marked for deletion)")
        self.wait_until(lambda: Shown("EventSystem").absent, "the service manager forgets the deleted service")

        code, undone = run_program("undo")
        results = {step["result"] for step in undone["steps"]} - {"already-so"}
        self.assertEqual((code, results), (1, {"left-alone"}), undone)
        self.assertEqual(without("EventSystem", *exported(SERVICES)), before)
        # What was deleted does not keep the next run from its work.
        self.install("CryptSvc", "", "normal")
        service("disable", "CryptSvc")
        self.fix("cryptographic-services", ALLOWED)

    def test_vss_is_restarted_where_a_snapshot_was_left_open(self):
        self.install("VSS", "", "normal")
        service("start", "VSS")
        logs = drive_c(EXTENSION.replace("Packages", r"WindowsAzure\Logs") + r"\1.0.95.0")
        logs.mkdir(parents=True)
        now = datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        (logs / "IaaSBcdrExtension4.log").write_text(f"{now} [Error]: StartSnapshotSet failed (0x80042316)\r\n")
        time.sleep(1.1)  # when a process was started is known by the second
        report = self.fix("snapshot-set-open")
        self.assertEqual(report["findings"][0]["changes"], ["restart service VSS"])
        self.assertEqual(Shown("VSS").state, RUNNING)
        self.undo()

    def test_a_service_that_hangs_while_it_starts_is_not_said_to_be_fixed(self):
        self.install("VSS", "", "hang-start")
        hanging = subprocess.Popen([WINE, BENCH / "test_service.exe", "start", "VSS"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(hanging.wait)
        self.addCleanup(hanging.kill)
        self.wait_until(lambda: Shown("VSS").state == START_PENDING, "VSS starts")
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
        self.assertEqual((code, states(report)["vss-writer-failed"]), (1, "unproven"), report)
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

    def test_a_service_whose_restart_users_feel_is_restarted_with_approval(self):
        listing = (WRITERS / "english.cp437.txt").read_bytes()
        drive_c(f"{VSSADMIN}.before").write_bytes(listing)
        drive_c(f"{VSSADMIN}.after").write_bytes(re.sub(rb"\[\d+\]", b"[1]", listing))
        for name, *behaviour in (("SQLWriter", "touch", f"{VSSADMIN}.marker"), ("Winmgmt", "normal")):
            self.install(name, "", *behaviour)
            service("start", name)
        drive_c(f"{VSSADMIN}.marker").unlink()
        only = ("--only", "vss-writer-of-service-failed", "--error-code", VSS_CODE)
        code, report = run_program("fix", *only)
        self.assertEqual((code, states(report)["vss-writer-of-service-failed"]), (1, "needs-approval"), report)
        self.fix("vss-writer-of-service-failed", "--error-code", VSS_CODE, "--max-disruption", "workload", proven=False)
        self.assertEqual(Shown("SQLWriter").state, RUNNING)
        self.undo()

    def test_the_service_of_missing_writers_is_restarted(self):
        listing = (WRITERS / "english.cp437.txt").read_bytes()
        drive_c(f"{VSSADMIN}.before").write_bytes(listing[:listing.index(b"Writer name")])
        drive_c(f"{VSSADMIN}.after").write_bytes(listing)
        self.install("EventSystem", "", "touch", f"{VSSADMIN}.marker")
        service("start", "EventSystem")
        drive_c(f"{VSSADMIN}.marker").unlink()
        self.fix("vss-writer-missing", "--error-code", VSS_CODE)
        self.assertEqual(Shown("EventSystem").state, RUNNING)
        self.undo()


class RegistrySettings(WindowsCase):
    """Each is set, and undo brings back an identical export."""

    def fix_and_undo(self, remediation, keys, *arguments, proven=True):
        before = exported(*keys)
        report = self.fix(remediation, *arguments, proven=proven)
        self.assertNotEqual(exported(*keys), before, report)
        self.undo()
        self.assertEqual(exported(*keys), before)

    def test_the_host_is_asked_first(self):
        key = r"HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys"
        set_value(key, "SnapshotMethod", "REG_EXPAND_SZ", "onlyGuest")
        self.fix_and_undo("snapshot-from-host", [key], "--error-code", "ExtensionFailedTimeoutVMNetworkUnresponsive")

    def test_strong_crypto_is_on_for_every_dotnet(self):
        keys = [rf"HKLM\SOFTWARE\{node}Microsoft\.NETFramework\{version}"
                for node in ("", "WOW6432Node\\") for version in ("v4.0.30319", "v2.0.50727")]
        for key in keys[:3]:
            set_value(key, "SchUseStrongCrypto", "REG_DWORD", "0")
        self.fix_and_undo("strong-crypto-off", keys, "--error-code", "ExtensionSnapshotFailedNoSecureNetwork", ALLOWED)

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

    def test_tls_12_is_on(self):
        key = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client"
        set_value(key, "Enabled", "REG_DWORD", "0")
        self.fix_and_undo("tls-12-off", [key], "--max-disruption", "workload", ALLOWED)

    def test_backups_of_databases_are_copies(self):
        self.install("SQLWriter", "", "normal")
        self.fix_and_undo("sql-copy-backup", [r"HKLM\SOFTWARE\Microsoft\BcdrAgent"])

    def test_snapshots_are_taken_without_threads(self):
        listing = (WRITERS / "english.cp437.txt").read_bytes()
        drive_c(f"{VSSADMIN}.before").write_bytes(re.sub(rb"\[\d+\]", b"[1]", listing))
        self.fix_and_undo("snapshot-without-threads", [r"HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys"])

    def test_the_event_class_has_its_library(self):
        self.install("EventSystem", "", "normal")
        service("start", "EventSystem")
        classes = r"HKLM\SOFTWARE\Microsoft\EventSystem\{26c409cc-ae86-11d1-b616-00805fc79216}\EventClasses"
        key = (rf"{classes}\{{FAF53CC4-BD73-4E36-83F1-2B23F46E513E}}-{{00000000-0000-0000-0000-000000000000}}"
               "-{00000000-0000-0000-0000-000000000000}")
        set_value(key, "TypeLib", "REG_SZ", r"C:\elsewhere\eventcls.dll")
        self.fix_and_undo("event-class-library", [classes])
        self.assertEqual(Shown("EventSystem").state, RUNNING)

    def test_a_firewall_rule_against_the_platform_is_disabled(self):
        key = rf"{SERVICES}\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
        rule = "v2.31|Action=Block|Active=TRUE|Dir=Out|RA4=168.63.129.16|Name={}|"
        set_value(key, "{first}", "REG_SZ", rule.format("hardening"))
        set_value(key, "{second}", "REG_SZ", rule.format("other").replace("168.63.129.16", "203.0.113.9"))
        self.fix_and_undo("windows-firewall-blocks-wire-server", [key], ALLOWED)

    def test_a_failed_extension_is_moved_away_and_comes_back_whole(self):
        name, version = "Microsoft.Azure.RecoveryServices.VMSnapshot", "1.0.9231.0"
        folder = drive_c(rf"C:\Packages\Plugins\{name}\{version}")
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/IaaSBcdrExtension.exe").write_bytes(b"MZ" + bytes(range(256)))
        (folder / "HandlerManifest.json").write_text("[]")
        content = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        state = r"HKLM\SOFTWARE\Microsoft\Windows Azure\HandlerState"
        set_value(rf"{state}\{name}_{version}", "InstallState", "REG_SZ", "FailedInstall")
        self.fix_and_undo("backup-extension-state", [state], proven=False)
        self.assertEqual({file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}, content)


class ExtensionFiles(WindowsCase):
    VERSION = rf"{EXTENSION}\1.0.9231.0"

    def content(self):
        folder = drive_c(self.VERSION)
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    def test_damaged_files_come_back_from_the_package(self):
        packaged = {"HandlerManifest.json": b"[]", "IaaSBcdrExtension.exe": b"MZ" + bytes(range(256)) * 40,
                    "IaasVmProvider.dll": b"MZ provider", "scripts/common/settings.xml": b"<settings/>"}
        for name, content in packaged.items():
            file = drive_c(self.VERSION) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        with zipfile.ZipFile(drive_c(self.VERSION) / f"{pathlib.PureWindowsPath(EXTENSION).name}_1.0.9231.0.zip", "w",
                             zipfile.ZIP_DEFLATED) as package:
            for name, content in packaged.items():
                package.writestr(name, content)
        (drive_c(self.VERSION) / "HandlerEnvironment.json").write_text("[{}]")
        whole = self.content()
        code, report = run_program("fix", "--only", "extension-damaged")
        self.assertEqual((code, states(report)["extension-damaged"]), (0, "healthy"), report)

        (drive_c(self.VERSION) / "IaaSBcdrExtension.exe").write_bytes(packaged["IaaSBcdrExtension.exe"][:4096])
        (drive_c(self.VERSION) / "IaasVmProvider.dll").unlink()
        shutil.rmtree(drive_c(self.VERSION) / "scripts")
        damaged = self.content()
        code, report = run_program("diagnose", "--only", "extension-damaged")
        self.assertEqual((code, states(report)["extension-damaged"]), (1, "broken"), report)
        self.assertEqual(len(report["findings"][0]["evidence"]), 3, "each file is told once, in whatever case")
        self.assertEqual(self.content(), damaged)
        report = self.fix("extension-damaged")
        # The files, and the two folders of one of them.
        self.assertEqual(len(report["findings"][0]["changes"]), 5, report)
        self.assertEqual(self.content(), whole)
        self.undo()
        self.assertEqual(self.content(), damaged)
        self.assertFalse((drive_c(self.VERSION) / "scripts").exists())

    def test_the_extension_brings_the_installer_of_its_runtime(self):
        system32 = drive_c(r"C:\windows\system32")
        files = missing, other = system32 / "msvcp120.dll", system32 / "msvcr120.dll"
        for file in files:
            self.addCleanup(file.write_bytes, file.read_bytes())
        # Of its own libraries Wine tells the version that it was built with, and none of msvcp120.dll.
        native = mock.patch.dict(os.environ, {
            "WINEDLLOVERRIDES": os.environ["WINEDLLOVERRIDES"] + ";msvcp120,msvcr120=n"})
        native.start()
        self.addCleanup(native.stop)
        good = other.read_bytes().replace(b"Wine builtin DLL", bytes(16))
        build = good.index(bytes.fromhex("bd04effe")) + 12  # dwFileVersionLS of VS_FIXEDFILEINFO
        older = good[:build] + bytes(4) + good[build + 4:]
        folder = drive_c(self.VERSION)
        (folder / "libraries").mkdir(parents=True)
        shutil.copy(BENCH / "vcredist.exe", folder / "vcredist2013_x64.exe")
        for file in files:
            (folder / "libraries" / file.name).write_bytes(good)
            file.write_bytes(good)
        fix = ("visual-cpp-runtime", "--error-code", "ExtensionVCRedistInstallationFailure")
        code, report = run_program("fix", "--only", *fix)
        self.assertEqual((code, states(report)["visual-cpp-runtime"]), (0, "healthy"), report)

        missing.unlink()
        report = self.fix(*fix)
        self.assertIn(r"vcredist2013_x64.exe /install", report["findings"][0]["changes"][0])
        self.assertEqual(missing.read_bytes(), good)

        other.write_bytes(older)
        report = self.fix(*fix)
        self.assertIn(r"vcredist2013_x64.exe /repair", report["findings"][0]["changes"][0])
        self.assertEqual(other.read_bytes(), good)
        # Nothing takes back what an installer did.
        code, undone = run_program("undo")
        self.assertEqual((code, undone["steps"]), (0, []))
        self.assertEqual([file.read_bytes() for file in files], [good, good])


class PlatformClock(http.server.BaseHTTPRequestHandler):
    """Answers as the Azure platform does, with a time that this computer's clock differs from."""
    behind = 0  # seconds

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() - self.behind)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Clock(WindowsCase):
    def test_the_time_service_is_started_where_the_clock_is_wrong(self):
        # The network is a namespace that run made.
        subprocess.run(["ip", "address", "add", WIRE_SERVER, "dev", "lo"], check=True)
        self.addCleanup(subprocess.run, ["ip", "address", "del", WIRE_SERVER, "dev", "lo"], check=True)
        platform = http.server.ThreadingHTTPServer((WIRE_SERVER, 80), PlatformClock)
        self.addCleanup(platform.server_close)
        thread = threading.Thread(target=platform.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(platform.shutdown)
        self.addCleanup(setattr, PlatformClock, "behind", 0)

        self.install("W32Time", "", "normal")
        before = exported(rf"{SERVICES}\W32Time")
        code, report = run_program("fix", "--only", "clock-skew")
        self.assertEqual((code, states(report)["clock-skew"]), (0, "healthy"), report)
        self.assertEqual(Shown("W32Time").state, STOPPED)

        PlatformClock.behind = 3600
        code, report = run_program("diagnose", "--only", "clock-skew")
        self.assertEqual((code, states(report)["clock-skew"]), (1, "broken"), report)
        self.assertIn("60 minutes ahead", report["findings"][0]["summary"])
        report = self.fix("clock-skew")
        self.assertEqual(report["findings"][0]["changes"], ["start service W32Time"])
        self.assertEqual(Shown("W32Time").state, RUNNING)
        self.undo()
        self.assertEqual(Shown("W32Time").state, STOPPED)
        self.assertEqual(exported(rf"{SERVICES}\W32Time"), before)

        service("disable", "W32Time")
        code, report = run_program("fix", "--only", "clock-skew")
        self.assertEqual((code, states(report)["clock-skew"]), (1, "needs-operator"), report)
        self.assertEqual((Shown("W32Time").state, Shown("W32Time").start), (STOPPED, DISABLED))


class Certificates(WindowsCase):
    STORE = r"HKLM\SOFTWARE\Microsoft\SystemCertificates\MY\Certificates"

    def setUp(self):
        super().setUp()
        self.thumbprint = (BENCH / "other.thumbprint").read_text()
        settings = drive_c(rf"{EXTENSION}\1.0.9231.0\RuntimeSettings")
        settings.mkdir(parents=True)
        (settings / "0.settings").write_text(json.dumps({"runtimeSettings": [{"handlerSettings": {
            "protectedSettings": "bm9uZQ==", "protectedSettingsCertThumbprint": self.thumbprint}}]}))
        wine(BENCH / "import_certificate.exe", BENCH / "other.cer")  # its key is lost

    def test_a_certificate_without_its_key_is_fetched_again(self):
        bench = f"Z:{BENCH}".replace("/", "\\")
        self.install_agent("RdAgent")
        self.install_agent("WindowsAzureGuestAgent", "after", rf"{bench}\import_certificate.exe",
                           rf"{bench}\other.cer", rf"{bench}\other.blob")
        before = exported(self.STORE)
        report = self.fix("extension-certificate-unusable")
        self.assertIn(f"remove certificate {self.thumbprint}", report["findings"][0]["changes"][0])
        fixed = exported(self.STORE)
        self.assertNotEqual(fixed, before)
        code, report = run_program("diagnose", "--only", "extension-certificate-unusable")
        self.assertEqual((code, states(report)["extension-certificate-unusable"]), (0, "healthy"), report)

        # The one that the agent brought is not replaced by the one without a key ...
        code, undone = run_program("undo")
        left = [step for step in undone["steps"] if step["result"] == "left-alone"]
        self.assertEqual((code, len(left)), (1, 1), undone)
        self.assertIn(self.thumbprint, left[0]["description"])
        self.assertEqual(exported(self.STORE), fixed)
        # ... but where that is gone, the old one comes back as it was.
        wine("reg", "delete", rf"{self.STORE}\{self.thumbprint}", "/f")
        self.undo()
        self.assertEqual(exported(self.STORE), before)


class CommandLine(WindowsCase):
    def test_arguments_are_not_limited_to_the_code_page(self):
        done = wine(BENCH / "backup-remediation.exe", "explain", "Größe-日本", check=False)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("Größe-日本", done.stdout + done.stderr)

    def test_a_capture_of_this_computer_is_diagnosed_alike(self):
        self.install_healthy()
        for name in AGENT:
            self.install_agent(name)
            service("start", name)
        # What Windows has and Wine has not.
        for name in ("EventSystem", "SENS", "CryptSvc", "VSS", "swprv"):
            self.install(name, "", "normal")
            service("start", name)
        set_value(rf"{SERVICES}\swprv\Parameters", "ServiceDll", "REG_EXPAND_SZ", r"%SystemRoot%\System32\swprv.dll")
        drive_c(r"C:\windows\system32\swprv.dll").write_bytes(b"MZ")
        service("disable", "MSDTC")
        # Asked by many threads at once, Wine's service manager at times denies a handle that it gave out a moment ago.
        for _ in range(5):
            shutil.rmtree(drive_c(r"C:\capture"), ignore_errors=True)
            made = wine(BENCH / "backup-remediation.exe", "capture", "--output", r"C:\capture", check=False)
            self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
            _, live = run_program("diagnose")
            _, captured = run_program("diagnose", "--capture", r"C:\capture")
            if states(captured) == states(live):
                break
        differing = [(one, other) for one, other in zip(live["findings"], captured["findings"])
                     if one["state"] != other["state"]]
        self.assertEqual(differing, [])
        self.assertEqual(states(captured)["msdtc-not-running"], "broken")
        self.assertEqual(captured["rootCause"], live["rootCause"])  # which may be something that Wine lacks


class GuestAgent(GuestAgentCase):
    def test_the_settings_that_only_this_computer_can_decrypt_decide_what_is_fixed(self):
        self.install_healthy()
        service("disable", "COMSysApp")
        self.assertEqual(self.agent_calls("install").returncode, 0)
        self.settings(0, protected=self.encrypted({"mode": "fix", "allowSecurityChanges": True, "only": ["com-plus-service"]}))
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
        self.settings(0, public={"mode": "fix", "allowSecurityChanges": True, "only": ["com-plus-service"]})
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
