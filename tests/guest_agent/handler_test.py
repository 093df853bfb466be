"""The handler's whole life under the real guest agent; what is asserted is the status uploaded for the portal."""

import json
import re
import time

from fabric import Extension
from guest_agent_case import STATE, GuestAgentCase
from package import SNAPSHOT_EXTENSION, next_version, snapshot_extension
from vm import wait_until

LAYERS = {"guest-agent", "backup-extension", "os-snapshot", "managed-disk", "network", "vault"}

# The only setting whose value comes back in the status: a run shows by it which settings it had.
ONE_CODE = {"errorCode": "UserErrorGuestAgentStatusUnavailable"}
OTHER_CODE = {"errorCode": "GuestAgentSnapshotTaskStatusError"}


class HandlerTest(GuestAgentCase):
    def setUp(self):
        super().setUp()
        self.vm.boot()

    def assert_ran_with(self, settings, report):
        text = json.dumps(report.settings(self.name))
        self.assertIn(settings["errorCode"], text)
        self.assertNotIn((ONE_CODE if settings is OTHER_CODE else OTHER_CODE)["errorCode"], text)

    def test_installs_and_enables_where_nothing_is_broken(self):
        report = self.enable()
        self.assert_status(report, "success")
        self.assertEqual(report.handler(self.name)["status"], "Ready")
        self.assertEqual(report.settings(self.name)["code"], 0)
        self.assertLessEqual(LAYERS, set(report.substatuses(self.name)))
        self.assertEqual(self.vm.handler_state(self.name, self.version), "Enabled")

    def test_protected_settings_are_decrypted(self):
        for sequence, cipher in enumerate(["aes-256-cbc", "des-ede3-cbc"]):
            report = self.enable(sequence=sequence, public=None, protected=ONE_CODE, protected_cipher=cipher)
            self.assert_status(report, "success")
            self.assert_ran_with(ONE_CODE, report)

    def test_damaged_protected_settings_are_an_error(self):
        report = self.enable(protected_as_delivered="bm90IENNUw==")
        self.assert_status(report, "error")
        self.assertIn("protectedSettings", report.message(self.name))

    def test_what_is_secret_appears_nowhere(self):
        report = self.enable(protected={"errorCode": {"password": "hunter2"}, "hunter3": "hunter4"})
        self.assert_status(report, "error")
        self.assertNotRegex(json.dumps(report.blob), "hunter[24]")
        found = [path for folder in ("/etc", "/var/log", "/var/lib", "/tmp")
                 for path in self.vm.path(folder).rglob("*")
                 if path.is_file() and re.search(b"hunter[24]", path.read_bytes())]
        self.assertEqual(found, [])

    def test_telemetry_events_pass_the_agents_examination(self):
        self.enable()
        wait_until(lambda: any(f"{self.name}-{self.version}" in event for event in self.fabric.telemetry))
        self.assertNotIn("Dropped events", self.vm.path("/var/log/waagent.log").read_text())

    def test_a_number_is_run_once_and_the_next_one_again(self):
        self.assert_ran_with(ONE_CODE, self.enable(sequence=0, public=ONE_CODE))

        # Azure never changes settings under the same number: this shows that nothing reads them again.
        self.ask_for(sequence=0, public=OTHER_CODE)
        self.vm.restart_agent()
        self.assert_ran_with(ONE_CODE, self.result(sequence=0, since=time.monotonic() + 3))

        self.assert_ran_with(OTHER_CODE, self.enable(sequence=1, public=OTHER_CODE))

    def test_no_settings(self):
        """The agent then uploads no extension status, only that the handler is ready."""
        self.ask_for(settings=False)
        report = self.fabric.wait_for(lambda report: report.handler(self.name))
        self.assertEqual(report.handler(self.name)["status"], "Ready")
        self.assertEqual(report.settings(self.name), {})

    def test_invalid_settings_are_named_with_their_path(self):
        report = self.enable(public={"mode": "repair", "onyl": ["x"]})
        self.assert_status(report, "error")
        self.assertEqual(report.handler(self.name)["status"], "NotReady")
        self.assertIn("publicSettings.mode", report.message(self.name))
        self.assertIn("publicSettings.onyl", report.message(self.name))

        self.assert_status(self.enable(sequence=1), "success")

    def test_update_keeps_what_was_run(self):
        self.enable(sequence=3, public=ONE_CODE)
        newer = next_version(self.version)
        self.fabric.publish(self.name, newer, self.package)
        self.ask_for(version=newer, sequence=3, public=OTHER_CODE)
        report = self.fabric.wait_for(lambda report: report.handler(self.name).get("handlerVersion") == newer
                                      and report.settings(self.name))
        self.assertEqual(report.handler(self.name)["status"], "Ready")
        self.assert_ran_with(ONE_CODE, report)
        self.assertFalse(self.vm.handler_folder(self.name, self.version).exists())

        self.assert_ran_with(OTHER_CODE, self.enable(version=newer, sequence=4, public=OTHER_CODE))

    def test_downgrade_keeps_what_was_run(self):
        """The agent runs `update` in the version that goes away, and names the wrong versions."""
        older, newer = self.version, next_version(self.version)
        self.fabric.publish(self.name, newer, self.package)
        self.enable(version=newer, public=ONE_CODE)
        self.ask_for(version=older, public=OTHER_CODE)
        report = self.fabric.wait_for(lambda report: report.handler(self.name).get("handlerVersion") == older
                                      and report.settings(self.name))
        self.assertEqual(report.handler(self.name)["status"], "Ready")
        self.assert_ran_with(ONE_CODE, report)

    def test_disable_and_enable_again(self):
        self.enable(public=ONE_CODE)
        self.ask_for(state="disabled", public=ONE_CODE)
        self.fabric.wait_for(lambda report: report.handler(self.name).get("status") == "NotReady")
        self.assertEqual(self.vm.handler_state(self.name, self.version), "Installed")

        self.assert_ran_with(OTHER_CODE, self.enable(sequence=1, public=OTHER_CODE))


class SnapshotExtensionTest(GuestAgentCase):
    """Azure Backup's own extension failed. The repair makes the agent install it afresh."""

    # Fails to enable until its folder was made anew once.
    STUCK = """#!/bin/sh
case $1 in
install) [ -e /var/lib/installed-once ] && touch works; touch /var/lib/installed-once ;;
enable) mkdir -p status
    [ -e works ] && word=success || word=error
    echo '[{"version":1,"timestampUTC":"2026-01-01T00:00:00Z","status":{"operation":"Enable","status":"'$word'",
        "code":1,"formattedMessage":{"lang":"en","message":"'$word'"}}}]' > status/$ConfigSequenceNumber.status
    [ -e works ] ;;
esac
"""
    VERSION = "1.0.9220.0"
    FOLDER = f"/var/lib/waagent/{SNAPSHOT_EXTENSION}-{VERSION}"

    def setUp(self):
        super().setUp()
        self.fabric.publish(SNAPSHOT_EXTENSION, self.VERSION, snapshot_extension(self.STUCK))
        self.snapshot = Extension(SNAPSHOT_EXTENSION, self.VERSION, public={"commandToExecute": "snapshot"})

    def break_it(self):
        self.vm.boot()
        self.fabric.set_goal_state(self.snapshot)
        self.fabric.wait_for(lambda report: report.handler(SNAPSHOT_EXTENSION).get("status") == "NotReady")

    def assert_next_goal_state_installs_it(self):
        """A backup brings a new goal state."""
        self.ask_for(self.snapshot, public={"mode": "fix"})
        report = self.fabric.wait_for(lambda report: report.handler(SNAPSHOT_EXTENSION).get("status") == "Ready")
        self.assertEqual(report.settings(SNAPSHOT_EXTENSION)["status"], "success")

    def test_a_failed_one_is_quarantined_and_installed_again(self):
        self.break_it()
        report = self.enable(self.snapshot, public={"mode": "fix"})
        self.assert_status(report, "success")
        self.assertFalse(self.vm.path(self.FOLDER).exists())
        self.assertFalse(self.vm.path(f"/var/lib/waagent/{SNAPSHOT_EXTENSION}__{self.VERSION}.zip").exists())
        self.assertTrue(list(self.vm.path(STATE).rglob("handle.sh")), "it should be in quarantine")
        self.assert_next_goal_state_installs_it()

    def test_while_a_backup_runs_nothing_is_disturbed(self):
        self.break_it()
        self.vm.write(f"{self.FOLDER}/main/handle.sh", mode=0o755, text="""#!/bin/sh
case $1 in
enable) "$0" daemon & exit 1 ;;
daemon) sleep 60 ;;
esac
""")
        self.vm.write(f"{self.FOLDER}/config/HandlerState", "Enabled")
        report = self.enable(self.snapshot, public={"mode": "fix"})
        self.assertTrue(self.vm.processes("handle.sh daemon"))
        self.assert_status(report, "success")
        self.assertIn("a backup is running", report.message(self.name))
        self.assertTrue((self.vm.path(self.FOLDER) / "main/handle.sh").exists())

    def test_diagnosing_leaves_it_alone(self):
        self.break_it()
        report = self.enable(self.snapshot, public={"mode": "diagnose"})
        self.assert_status(report, "success")
        self.assertIn("VMSnapshotLinux", report.message(self.name))
        self.assertTrue(self.vm.path(self.FOLDER).exists())

    def test_a_half_recreated_folder(self):
        """What the agent leaves when the folder was deleted while a command ran: it fails for ever with 1002."""
        self.vm.write(f"{self.FOLDER}/config/HandlerState", "Enabled")
        self.vm.write(f"{self.FOLDER}/config/HandlerStatus",
                      json.dumps({"name": SNAPSHOT_EXTENSION, "status": "NotReady", "code": 0, "message": ""}))
        self.vm.write("/var/lib/installed-once", "")
        self.break_it()
        self.assertEqual(self.fabric.report.handler(SNAPSHOT_EXTENSION)["code"], 1002)

        self.assert_status(self.enable(self.snapshot, public={"mode": "fix"}), "success")
        self.assert_next_goal_state_installs_it()

    def test_uninstall_leaves_only_the_undo_journal(self):
        self.break_it()
        self.enable(self.snapshot, public={"mode": "fix"})
        journals = list(self.vm.path(f"{STATE}/runs").iterdir())
        self.assertEqual(len(journals), 1)

        self.ask_for(state="uninstall")
        self.fabric.wait_for(lambda report: not report.handler(self.name))
        self.assertFalse(self.vm.handler_folder(self.name, self.version).exists())
        self.assertEqual([path.name for path in self.vm.path(STATE).iterdir()], ["runs"])
        self.assertEqual(list(self.vm.path(f"{STATE}/runs").iterdir()), journals)
        self.assertEqual(self.vm.processes("backup-remediation"), [])
