"""The shipped program as an extension: after its run inside the VM it repairs in Azure, and proves that by a backup."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import cloud
from look_test import PROGRAM, REPOSITORY, CloudTest

ROLES = REPOSITORY / "manifest/roles"
CAUSES = ["provider-not-registered", "snapshot-extension-failed", "provisioning-state-failed", "backup-already-running",
          "backup-job-failed", "resource-lock"]
STATE = pathlib.Path("/var/lib/backup-remediation")
FAILED_EXTENSION = [("VMSnapshotLinux", "Microsoft.Azure.RecoveryServices", "Failed", "it broke")]


def actions_of(*roles):
    return [action for role in roles for action in json.loads((ROLES / f"{role}.json").read_text())["Actions"]]


class ExtensionTest(CloudTest):
    """A handler's folder as the guest agent makes it, below a /var/lib of the test's own."""

    def setUp(self):
        super().setUp()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", "/var/lib"])
        self.addCleanup(self.end_processes)
        self.cloud.actions = actions_of("look", "prove", "repair")
        self.handler = pathlib.Path("/var/lib/waagent/Community.Backup.BackupRemediationLinux-1.0.0.0")
        self.install(self.handler)

    def install(self, folder):
        program = folder / "bin/x86_64/backup-remediation"
        program.parent.mkdir(parents=True)
        shutil.copy(PROGRAM, program)
        for name in ("config", "status", "log"):
            (folder / name).mkdir()
        environment = {"handlerEnvironment": {"logFolder": str(folder / "log"), "configFolder": str(folder / "config"),
                                              "statusFolder": str(folder / "status"),
                                              "heartbeatFile": str(folder / "heartbeat.log")},
                       "name": "Community.Backup.BackupRemediationLinux", "version": 1.0}
        (folder / "HandlerEnvironment.json").write_text(json.dumps([environment]))

    def command(self, name, number=0, folder=None):
        folder = folder or self.handler
        ran = subprocess.run([folder / "bin/x86_64/backup-remediation", name], capture_output=True, text=True, timeout=60,
                             env={"ConfigSequenceNumber": str(number), "PATH": os.environ["PATH"]})
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def enable(self, number=0, **settings):
        settings = {"mode": "fix", "azure": "repair", "only": CAUSES} | settings
        (self.handler / f"config/{number}.settings").write_text(json.dumps(
            {"runtimeSettings": [{"handlerSettings": {"publicSettings": settings}}]}))
        self.command("enable", number)

    def status(self, number=0, folder=None):
        return json.loads(((folder or self.handler) / f"status/{number}.status").read_text())[0]["status"]

    def part(self, name, number=0, folder=None):
        parts = {each["name"]: each for each in self.status(number, folder)["substatus"]}
        return parts[name]["formattedMessage"]["message"] if name in parts else ""

    def message(self, number=0):
        return self.status(number)["formattedMessage"]["message"]

    def wait_for(self, what, timeout=300):
        deadline = time.monotonic() + timeout
        while not what():
            if time.monotonic() > deadline:
                log = "\n".join(each.read_text() for each in sorted((self.handler / "log").glob("*.log")))
                self.fail(f"did not come: {json.dumps(self.status(), indent=1)}\n{log}\n{self.cloud.requests[-5:]}")
            time.sleep(0.1)

    def wait_for_end(self, number=0, timeout=300):
        """Of all that follows in Azure; never is it told as at work or as an error."""
        def has_ended():
            word = self.status(number)["status"]
            self.assertIn(word, ("transitioning", "success"))
            return word == "success" and not (STATE / "azure.json").exists() and not self.processes()
        self.wait_for(has_ended, timeout)

    @staticmethod
    def processes():
        """Ids of this program's processes that this test started: the program lies in its own /var/lib."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if words[0].endswith(b"/bin/x86_64/backup-remediation") and words[1] in (b"azure", b"worker", b"supervise"):
                    found.append(int(folder.name))
            except OSError:
                pass
        return found

    def end_processes(self):
        """Returns once they are gone: a process that is being killed still holds its locks."""
        def is_gone(process):
            try:
                return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0] in "ZX"
            except OSError:
                return True
        found = self.processes()
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.wait_for(lambda: all(map(is_gone, found)))

    def changes(self):
        return [(method, path.split("/providers/")[-1]) for _, method, path, _, _ in self.cloud.requests
                if method != "GET" and not path.endswith(("/backupStatus", "/checkPolicyRestrictions"))]


class Repairs(ExtensionTest):
    def test_a_failed_extension_and_the_state_that_it_left(self):
        """T1: nothing is written to the VM before the extension has ended; T2: what is told later stays told."""
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = list(FAILED_EXTENSION)
        seen = []
        self.cloud.before_change = lambda method, path: seen.append(self.status()["status"])
        self.enable()
        self.wait_for_end()
        self.assertEqual(self.changes(), [("DELETE", "Microsoft.Compute/virtualMachines/vm1/extensions/VMSnapshotLinux"),
                                          ("POST", "Microsoft.Compute/virtualMachines/vm1/reapply")])
        self.assertEqual(seen, ["success"] * 2)
        self.assertEqual(self.cloud.vm_state, "Succeeded")
        self.assertIn("Fixed: The backup extension has failed in Azure's model", self.message())
        self.assertIn("Fixed", self.part("azure") + self.message())
        self.assertIn(f"delete {cloud.VM}/extensions/VMSnapshotLinux", self.part("azure"))
        self.assertIn(f"reapply {cloud.VM}", self.part("azure"))
        told = self.status()
        self.command("enable")  # what a reapply makes the guest agent do
        self.assertEqual(self.status(), told)
        self.wait_for_end()
        self.assertEqual((self.cloud.deleted, self.cloud.reapplied), (1, 1))

    def test_only_read_changes_nothing(self):
        self.cloud.vm_state = "Failed"
        self.enable(azure="read")
        self.wait_for_end()
        self.assertEqual(self.changes(), [])
        self.assertIn("az vm reapply", self.message())

    def test_waits_until_nothing_writes_to_the_vm(self):
        self.cloud.vm_state = "Failed"
        self.cloud.at_work = "CustomScript"
        self.enable()
        self.wait_for(lambda: (STATE / "azure.json").exists() and self.processes())
        time.sleep(3)
        self.assertEqual(self.changes(), [])
        self.cloud.at_work = None
        self.wait_for_end()
        self.assertEqual(self.cloud.reapplied, 1)

    def test_registers_providers(self):
        self.cloud.registration = "NotRegistered"
        self.enable()
        self.wait_for_end()
        self.assertEqual(self.cloud.registered, 3)
        self.assertIn("Fixed", self.message())

    def test_cancels_a_backup_that_hangs(self):
        self.cloud.jobs = [self.cloud.job("stuck", "InProgress", tasks=(("Take Snapshot", "InProgress"),),
                                          actionsInfo=["Cancellable"])]
        self.enable()
        self.wait_for_end()
        self.assertEqual(self.cloud.cancelled, 1)

    def test_another_extension_that_failed_is_left_to_a_person(self):
        """T18: reapply would only fail again, after 90 minutes."""
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = [("CustomScript", "Microsoft.Azure.Extensions", "Failed", "exit code 1")]
        self.enable()
        self.wait_for_end()
        self.assertEqual(self.changes(), [])
        self.assertIn("CustomScript", self.message())

    def test_a_lock_is_told_and_nothing_is_sent(self):
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = list(FAILED_EXTENSION)
        self.cloud.locks = [(cloud.VM.rsplit("/providers/", 1)[0], "frozen", "CanNotDelete")]
        self.enable()
        self.wait_for_end()
        self.assertEqual([change for change in self.changes() if change[0] == "DELETE"], [])
        self.assertIn("locks/frozen forbids it", self.part("snapshot-extension-failed"))

    def test_without_the_right_it_is_said(self):
        self.cloud.actions = actions_of("look")
        self.cloud.vm_state = "Failed"
        self.enable()
        self.wait_for_end()
        self.assertEqual(self.cloud.reapplied, 0)
        self.assertIn("lacks Microsoft.Compute/virtualMachines/reapply/action", self.part("provisioning-state-failed"))

    def test_an_operation_that_is_broken_off(self):
        """T11: accepted, answered with HTTP 200, and yet it did not happen."""
        self.cloud.vm_state = "Failed"
        self.cloud.operation_ends_with = "Canceled"
        self.enable()
        self.wait_for(lambda: self.cloud.reapplied == 1)
        self.cloud.operation_ends_with = "Succeeded"
        self.wait_for_end()
        self.assertEqual(self.cloud.reapplied, 2, "asked for once more, after half a minute")
        self.assertEqual(self.cloud.vm_state, "Succeeded")

    def test_another_write_is_waited_for(self):
        self.cloud.vm_state = "Failed"
        self.cloud.conflicts = 1
        self.enable()
        self.wait_for_end()
        self.assertEqual(self.cloud.reapplied, 1)


class Applied(ExtensionTest):
    """By Run Command, Custom Script or a VM Application, which are over once `apply` has printed its status."""

    def setUp(self):
        super().setUp()
        shutil.rmtree(self.handler)
        self.handler = STATE / "applied"  # where it keeps what a handler's folder has
        self.program = pathlib.Path("/var/lib/test/bin/x86_64/backup-remediation")
        self.program.parent.mkdir(parents=True)
        shutil.copy(PROGRAM, self.program)

    def call(self, word, **settings):
        text = json.dumps({"publicSettings": {"mode": "fix", "azure": "repair", "only": CAUSES} | settings})
        return subprocess.run([self.program, word], input=text, capture_output=True, text=True, timeout=120, check=True).stdout

    def log(self):
        return "".join(each.read_text() for each in (STATE / "logs").glob("*azure.log"))

    def test_repairs_once_the_handler_that_called_it_has_ended(self):
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = list(FAILED_EXTENSION)
        self.cloud.at_work = "RunCommandLinux"
        said = self.call("apply")
        self.assertIn(f"repaired there after this; log and report in {STATE}/logs will tell of it", said)
        time.sleep(3)
        self.assertEqual(self.changes(), [])
        self.cloud.at_work = None
        self.wait_for_end()
        self.assertEqual((self.cloud.deleted, self.cloud.reapplied), (1, 1))
        self.assertIn("Fixed: The backup extension has failed", self.log())
        self.assertEqual(self.cloud.vm_state, "Succeeded")
        self.assertNotIn("after this", self.call("apply"))

    def test_proves_by_a_backup(self):
        self.call("apply", prove="snapshot")
        self.wait_for_end()
        self.assertEqual(self.cloud.backups, 1)
        self.assertIn("Proven", self.log())

    def test_removing_it_ends_what_follows(self):
        self.cloud.vm_state = "Failed"
        self.cloud.at_work = "RunCommandLinux"
        self.call("apply")
        self.wait_for(self.processes)
        self.call("clean-up")
        self.assertFalse((STATE / "applied").exists())
        self.cloud.at_work = None
        self.wait_for(lambda: not self.processes())
        self.assertEqual(self.cloud.reapplied, 0)


class Crashes(ExtensionTest):
    """Killed as a change arrives in Azure, and once Azure has done it: the journal has it, and nothing is done twice."""

    def kill_at(self, moment, word):
        killed = []

        def kill(method, path):
            if word in path and not killed:
                killed.append(path)
                for process in self.processes():
                    os.kill(process, signal.SIGKILL)
                return True
            return False
        setattr(self.cloud, f"{moment}_change", kill)
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = list(FAILED_EXTENSION)
        self.enable(only=CAUSES)
        self.wait_for(lambda: killed and not self.processes())
        # The operation goes on in Azure without us.
        for name in list(self.cloud.operations):
            while self.cloud.operations[name][0] > 0:
                self.cloud.operation_of_compute(name)
        begun = "".join(each.read_text() for each in (STATE / "runs").glob("*/journal.jsonl"))
        self.assertIn(killed[0].removesuffix("/reapply"), begun, "it is in the journal before it is sent")
        self.assertEqual(self.status()["status"], "success")
        self.command("enable")
        self.wait_for_end()
        self.assertEqual((self.cloud.deleted, self.cloud.reapplied), (1, 1))
        self.assertEqual(self.cloud.extensions, [])
        self.assertEqual(self.cloud.vm_state, "Succeeded")
        self.assertIn("Fixed", self.message())
        self.assertIn("VMSnapshotLinux", self.part("azure"), "what was begun before the crash is told")

    def test_before_a_deletion(self):
        self.kill_at("before", "/extensions/")

    def test_after_a_deletion(self):
        self.kill_at("after", "/extensions/")

    def test_before_a_reapply(self):
        self.kill_at("before", "/reapply")

    def test_after_a_reapply(self):
        self.kill_at("after", "/reapply")


class Proofs(ExtensionTest):
    @staticmethod
    def knows_its_job():
        return (STATE / "azure.json").exists() and '"job":"/subscriptions' in (STATE / "azure.json").read_text()

    def test_repaired_and_proven(self):
        self.cloud.vm_state = "Failed"
        self.enable(prove="snapshot")
        self.wait_for_end()
        self.assertEqual((self.cloud.reapplied, self.cloud.backups), (1, 1))
        self.assertEqual(self.changes()[-1][1].rsplit("/", 1)[1], "backup", "the proof comes last")
        self.assertIn("Proven: A recovery point of", self.message())
        self.assertIn("FileSystemConsistent", self.message())
        self.assertIn("InstantRP", self.part("prove"))
        self.assertIn("Repaired in Azure: Azure holds the VM for failed", self.message())

    def test_a_backup_that_fails_is_no_proof_and_no_error(self):
        self.cloud.backup_outcome = "Failed"
        self.enable(prove="snapshot")
        self.wait_for_end()
        self.assertIn("Not proven: The backup has ended as Failed (400094)", self.message())

    def test_nothing_is_started_while_something_is_left(self):
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = [("CustomScript", "Microsoft.Azure.Extensions", "Failed", "exit code 1")]
        self.enable(prove="snapshot")
        self.wait_for_end()
        self.assertEqual(self.cloud.backups, 0)
        self.assertIn("No backup is started", self.part("prove"))

    def test_a_restart_goes_on_with_the_same_backup(self):
        self.cloud.backup_outcome = "Completed"
        points, self.cloud.recovery_points = self.cloud.recovery_points, lambda: []
        self.enable(prove="snapshot")
        self.wait_for(self.knows_its_job)
        self.end_processes()
        self.cloud.recovery_points = points
        self.command("enable")
        self.wait_for_end()
        self.assertEqual(self.cloud.backups, 1)
        self.assertIn("Proven", self.message())

    def test_killed_while_it_starts_one(self):
        """The backup that Azure has begun is found by its job; a second one is not started."""
        def kill(method, path):
            self.cloud.after_change = lambda *_: None
            self.end_processes()
        self.cloud.after_change = kill
        self.enable(prove="snapshot")
        self.wait_for(lambda: self.cloud.backups == 1 and not self.processes())
        while self.cloud.polls_left > 0:
            self.cloud.operation()
        self.command("enable")
        self.wait_for_end()
        self.assertEqual(self.cloud.backups, 1)
        self.assertIn("Proven", self.message())

    def test_disable_ends_it_and_enable_goes_on(self):
        points, self.cloud.recovery_points = self.cloud.recovery_points, lambda: []
        self.enable(prove="snapshot")
        self.wait_for(self.knows_its_job)
        self.command("disable")
        self.assertEqual(self.processes(), [])
        self.assertTrue((STATE / "azure.json").exists())
        self.cloud.recovery_points = points
        self.command("enable")
        self.wait_for_end()
        self.assertEqual(self.cloud.backups, 1)

    def test_an_update_goes_on_with_it(self):
        points, self.cloud.recovery_points = self.cloud.recovery_points, lambda: []
        self.enable(prove="snapshot")
        self.wait_for(self.knows_its_job)
        self.command("disable")
        newer = self.handler.with_name(self.handler.name.replace("1.0.0.0", "1.0.0.1"))
        self.install(newer)
        shutil.copy(self.handler / "config/0.settings", newer / "config")
        self.command("update", folder=newer)
        self.command("uninstall")
        self.assertTrue((STATE / "azure.json").exists(), "the next version goes on")
        self.cloud.recovery_points = points
        self.handler = newer
        self.command("enable")
        self.wait_for_end()
        self.assertEqual(self.cloud.backups, 1)
        self.assertIn("Proven", self.message())

    def test_newer_settings_take_it_over(self):
        points, self.cloud.recovery_points = self.cloud.recovery_points, lambda: []
        self.enable(prove="snapshot")
        self.wait_for(self.knows_its_job)
        self.cloud.recovery_points = points
        self.enable(1, prove="snapshot")
        self.wait_for_end(1)
        self.assertEqual(self.cloud.backups, 1)
        self.assertIn("Proven", self.message(1))

    def test_newer_settings_without_azure_end_it(self):
        self.cloud.recovery_points = lambda: []
        self.enable(prove="snapshot")
        self.wait_for(self.knows_its_job)
        self.enable(1, azure="off")
        self.wait_for_end(1)
        asked = len(self.cloud.requests)
        time.sleep(2)
        self.assertEqual(len(self.cloud.requests), asked)
