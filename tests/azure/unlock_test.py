"""A person repairs from an admin's computer: what loses something is named by its full id, journalled, and taken back."""

import json
import os
import signal
import subprocess

import cloud
from look_test import PROGRAM, CloudTest

GROUP = cloud.COLLECTION.rsplit("/providers/", 1)[0]
LOCK = f"{GROUP}{cloud.LOCKS}/frozen"
AS_PERSON = ("--vm", cloud.VM, "--token", "-")


class Unlock(CloudTest):
    def setUp(self):
        super().setUp()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", "/var/lib"])
        self.cloud.locks = [(GROUP, "frozen", "CanNotDelete")]
        self.cloud.points = [self.cloud.point(n, cloud.ago(days=n)) for n in range(20)]
        self.cloud.jobs = [self.cloud.job(1, "Failed", [{"errorCode": 1, "errorString": "UserErrorRpCollectionLimitReached"}])]

    def fix(self, *words, code=None, only="resource-lock", stdin=cloud.PERSON_TOKEN):
        ran = self.run_program("fix", *AS_PERSON, "--only", only, "--format", "json", *words, stdin=stdin, code=code)
        self.findings = {each["id"]: each for each in json.loads(ran.stdout)["findings"]}
        return json.loads(ran.stdout)

    def changes(self):
        return [(method, path) for _, method, path, _, _ in self.cloud.requests
                if method != "GET" and not path.endswith(("/backupStatus", "/checkPolicyRestrictions"))]

    def test_unlocked_backed_up_and_locked_again(self):
        report = self.fix("--allow", LOCK, "--max-disruption", "workload", code=0)
        self.assertEqual(self.findings["resource-lock"]["state"], "fixed")
        self.assertEqual(self.cloud.locks, [])
        self.run_program("prove", *AS_PERSON, stdin=cloud.PERSON_TOKEN, code=0)
        ran = self.run_program("undo", report["runId"], *AS_PERSON, stdin=cloud.PERSON_TOKEN, code=0)
        self.assertIn("frozen", ran.stdout)
        self.assertEqual(self.cloud.locks, [(GROUP, "frozen", "CanNotDelete")])
        self.assertEqual(self.cloud.notes, {"frozen": "kept"})
        self.assertEqual([method for method, _ in self.changes()], ["DELETE", "POST", "PUT"])

    def test_only_what_is_named_and_allowed(self):
        for words in ((), ("--allow", LOCK), ("--max-disruption", "workload"),
                      ("--allow", LOCK + "2", "--max-disruption", "workload")):
            self.fix(*words, code=1)
        self.cloud.locks.append((cloud.SUB, "all", "CanNotDelete"))
        self.fix("--allow", LOCK, "--max-disruption", "workload", code=1)  # the other lock would still be there
        self.assertEqual(self.changes(), [])

    def test_every_lock_that_is_named(self):
        self.cloud.locks.append((cloud.SUB, "all", "CanNotDelete"))
        before = sorted(self.cloud.locks)
        report = self.fix("--allow", LOCK, "--allow", f"{cloud.SUB}{cloud.LOCKS}/all", "--max-disruption", "workload", code=0)
        self.assertEqual(self.cloud.locks, [])
        self.run_program("undo", report["runId"], *AS_PERSON, stdin=cloud.PERSON_TOKEN, code=0)
        self.assertEqual(sorted(self.cloud.locks), before)

    def test_never_with_the_identity_of_the_vm(self):
        """Everybody in the VM has it: whatever rights somebody gave it, locks and points are a person's."""
        self.run_program("fix", "--azure", "--allow", LOCK, code=2)
        self.cloud.actions = ["*"]
        ran = self.run_program("fix", *AS_PERSON, "--only", "resource-lock", "--allow", LOCK, "--max-disruption", "workload",
                               stdin="", code=3)
        self.assertIn("no token", ran.stderr)
        self.assertEqual(self.changes(), [])

    def test_a_lock_of_a_managed_application_stays(self):
        self.cloud.managed = {"frozen"}
        self.fix("--allow", LOCK, "--max-disruption", "workload", code=1)
        self.assertIn("managed application", json.dumps(self.findings))
        self.assertEqual(self.changes(), [])

    def test_without_the_right(self):
        self.cloud.actions = ["*/read", "*/backupStatus/action"]
        self.fix("--allow", LOCK, "--max-disruption", "workload", code=1)
        self.assertIn("lacks Microsoft.Authorization/locks/delete", json.dumps(self.findings))
        self.assertEqual(len(self.cloud.locks), 1)

    def test_undo_without_a_token_says_how(self):
        report = self.fix("--allow", LOCK, "--max-disruption", "workload", code=0)
        ran = self.run_program("undo", report["runId"], code=1)
        self.assertIn("--vm VM-ID --token -", " ".join(ran.stdout.split()))
        self.assertEqual(self.cloud.locks, [])

    def killed(self, moment):
        """Killed as the deletion of the lock arrives, or once it is done."""
        def kill(method, path):
            if method == "DELETE":
                os.kill(process.pid, signal.SIGKILL)
                return moment == "before"
            return False
        setattr(self.cloud, f"{moment}_change", kill)
        process = subprocess.Popen([PROGRAM, "fix", *AS_PERSON, "--only", "resource-lock", "--allow", LOCK,
                                    "--max-disruption", "workload"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, text=True)
        process.communicate(cloud.PERSON_TOKEN, timeout=60)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        setattr(self.cloud, f"{moment}_change", lambda method, path: None)
        self.assertEqual(self.cloud.locks == [], moment == "after")

    def test_killed_it_is_locked_again_by_the_next_run(self):
        for moment in ("before", "after"):
            with self.subTest(moment):
                self.killed(moment)
                self.fix(code=1)  # names no lock: it only takes back what was half done
                self.assertEqual(self.cloud.locks, [(GROUP, "frozen", "CanNotDelete")])

    def test_killed_and_nobody_with_a_token_it_is_said(self):
        self.killed("after")
        ran = self.run_program("fix", "--only", "clock-skew", "--format", "json")
        self.assertIn("could not be rolled back", json.dumps(json.loads(ran.stdout)["notices"]))
        ran = self.run_program("history")
        self.assertIn("interrupted", ran.stdout)

    def test_restore_points_by_full_id(self):
        self.cloud.locks = []
        self.fix("--max-disruption", "workload", only="restore-point-limit", code=1)
        self.fix("--max-disruption", "workload", "--allow", cloud.COLLECTION + "2", only="restore-point-limit", code=1)
        self.assertEqual(self.changes(), [], "another VM's collection is not touched")
        self.fix("--max-disruption", "workload", "--allow", cloud.COLLECTION, only="restore-point-limit", code=0)
        self.assertEqual(self.changes(), [("DELETE", cloud.COLLECTION)])
        self.assertEqual(self.findings["restore-point-limit"]["state"], "fixed")

    def test_restore_points_behind_a_lock(self):
        self.fix("--max-disruption", "workload", "--allow", cloud.COLLECTION, only="restore-point-limit", code=1)
        self.assertEqual(self.changes(), [])
        self.assertIn("locks/frozen forbids it", json.dumps(self.findings))

    def test_what_loses_nothing_needs_no_name(self):
        self.cloud.vm_state = "Failed"
        self.fix(only="provisioning-state-failed", code=0)
        self.assertEqual(self.cloud.reapplied, 1)

    def test_not_while_an_extension_of_the_vm_is_at_work(self):
        """By Run Command on that very VM it would wait for itself."""
        self.cloud.vm_state = "Updating"
        finish = self.cloud.instance_view

        def instance_view():
            self.cloud.vm_state = "Failed"
            return finish()
        self.cloud.instance_view = instance_view
        self.cloud.at_work = None
        self.fix(only="provisioning-state-failed", code=0)
        self.assertEqual(self.cloud.reapplied, 1)
