"""A person repairs from an admin's computer: what loses something is named by its full id, journalled, and taken back."""

import json
import os
import pathlib
import signal
import subprocess

import cloud
import models_test
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

    def check_bodies(self, module, model):
        """What was sent with PUT, against the model of Azure's own SDK."""
        bodies = [json.loads(body) for _, method, _, _, body in self.cloud.requests if method == "PUT"]
        self.assertTrue(bodies)
        if models_test.compute:
            for body in bodies:
                self.assertEqual(models_test.problems(getattr(models_test, module), model, body), [])

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

    def failed_with(self, code):
        self.cloud.jobs = [self.cloud.job(1, "Failed", [{"errorCode": 1, "errorString": code}])]

    def test_the_export_of_a_restore_point_is_ended_where_it_is_named(self):
        self.failed_with("DiskRestorePointUsedByCustomer")
        exported = f"{cloud.COLLECTION}/restorePoints/AzureBackup_3/diskRestorePoints/os"
        self.cloud.exports = {exported}
        self.cloud.locks = []
        for words in ((), ("--allow", exported), ("--max-disruption", "workload"),
                      ("--allow", exported + "2", "--max-disruption", "workload")):
            self.fix(*words, only="restore-point-exported", code=1)
        self.assertEqual(self.changes(), [])
        self.fix("--allow", exported, "--max-disruption", "workload", only="restore-point-exported", code=1)
        self.assertEqual(self.cloud.exports, set())
        self.assertEqual(self.findings["restore-point-exported"]["state"], "unproven", "only the next backup shows it")

    def test_protection_is_resumed_with_the_policy_that_is_named(self):
        self.cloud.locks = []
        self.cloud.protection_state = "ProtectionStopped"
        other = cloud.POLICY.replace("vault1", "vault2")
        for words in ((), ("--allow", other), ("--allow", cloud.VAULT)):
            self.fix(*words, only="protection-stopped", code=1)
        self.assertEqual(self.changes(), [])
        report = self.fix("--allow", cloud.POLICY, only="protection-stopped", code=0)
        self.assertEqual(self.findings["protection-stopped"]["state"], "fixed")
        self.assertEqual(self.cloud.protection_state, "Protected")
        self.run_program("undo", report["runId"], *AS_PERSON, stdin=cloud.PERSON_TOKEN, code=0)
        self.assertEqual(self.cloud.protection_state, "ProtectionStopped")
        self.assertEqual(self.changes(), [("PUT", cloud.ITEM)] * 2)
        self.check_bodies("backup", "ProtectedItemResource")

    def test_the_service_gets_its_rights_in_the_key_vault(self):
        """Its object id is another one in each tenant: a person names it."""
        self.cloud.locks = []
        self.failed_with("UserErrorKeyVaultPermissionsNotConfigured")
        self.cloud.key_vault_of_vm = cloud.KEY_VAULT
        service, other = "0" * 8 + "-1111-2222-3333-" + "0" * 12, "other"
        for before in ({other: {"keys": ["all"]}}, {service: {"keys": ["Get"], "certificates": ["get"]}, other: {"keys": ["all"]}}):
            self.cloud.key_access = json.loads(json.dumps(before))
            named = f"{cloud.KEY_VAULT}/accessPolicies/{service}"
            self.fix("--max-disruption", "workload", only="key-vault-permission", code=1)
            self.fix("--max-disruption", "workload", "--allow", cloud.KEY_VAULT, only="key-vault-permission", code=1)
            self.assertEqual(self.cloud.key_access, before)
            report = self.fix("--allow", named, "--max-disruption", "workload", only="key-vault-permission", code=1)
            self.assertEqual(self.findings["key-vault-permission"]["state"], "unproven")
            self.assertEqual(self.cloud.key_access[service], {
                **before.get(service, {}), "keys": ["backup", "get", "list"], "secrets": ["backup", "get", "list"]})
            self.run_program("undo", report["runId"], *AS_PERSON, stdin=cloud.PERSON_TOKEN, code=0)
            had = {kind: [name.lower() for name in names] for kind, names in before.get(service, {}).items()}
            self.assertEqual(self.cloud.key_access, {**before, **({service: had} if had else {})})
        self.check_bodies("keyvault", "VaultAccessPolicyParameters")

    def test_locked_again_once_the_backup_is_proven(self):
        group = f"{cloud.SUB}/resourceGroups/rgv"
        locks = [(GROUP, "frozen", "CanNotDelete"), (group, "readonly", "ReadOnly")]
        self.cloud.locks = list(locks)
        self.cloud.points = [self.cloud.point(1, cloud.ago(days=1))]
        named = [word for scope, name, _ in locks for word in ("--allow", f"{scope}{cloud.LOCKS}/{name}")]
        report = self.fix(*named, "--max-disruption", "workload", code=0)
        self.assertEqual(self.cloud.locks, [])
        ran = self.run_program("prove", *AS_PERSON, "--lock-again", "--format", "json", stdin=cloud.PERSON_TOKEN, code=1)
        self.assertEqual(self.cloud.locks, [locks[1]], "the one on Azure Backup's own group would stop its next cleanup")
        results = {each["result"]: each for each in json.loads(ran.stdout)["locks"]}
        self.assertIn("readonly", results["undone"]["description"])
        self.assertIn(f"undo run {report['runId']}", results["left-alone"]["detail"])
        self.run_program("undo", report["runId"], *AS_PERSON, stdin=cloud.PERSON_TOKEN, code=0)
        self.assertEqual(sorted(self.cloud.locks), sorted(locks))

    def test_not_locked_again_after_a_backup_that_failed(self):
        self.cloud.locks = [(f"{cloud.SUB}/resourceGroups/rgv", "readonly", "ReadOnly")]
        self.fix("--allow", f"{cloud.SUB}/resourceGroups/rgv{cloud.LOCKS}/readonly", "--max-disruption", "workload", code=0)
        self.cloud.backup_outcome = "Failed"
        ran = self.run_program("prove", *AS_PERSON, "--lock-again", "--format", "json", stdin=cloud.PERSON_TOKEN, code=1)
        self.assertEqual(self.cloud.locks, [])
        [told] = json.loads(ran.stdout)["locks"]
        self.assertEqual(told["result"], "left-alone")
        self.assertIn("no backup has proven", told["detail"])

    def test_locked_again_only_once_the_cleanup_is_through(self):
        lock = (cloud.SUB, "all", "CanNotDelete")
        self.cloud.locks = [lock]
        self.fix("--allow", f"{cloud.SUB}{cloud.LOCKS}/all", "--max-disruption", "workload", code=0)
        seen = []

        def collection(points=False, answer=self.cloud.collection):
            if points and self.cloud.backups:
                seen.append(list(self.cloud.locks))
                if len(seen) > 1:
                    self.cloud.points = [self.cloud.point(1, cloud.ago(days=1))]
            return answer(points)
        self.cloud.collection = collection
        self.run_program("prove", *AS_PERSON, "--lock-again", stdin=cloud.PERSON_TOKEN, code=0)
        self.assertEqual(self.cloud.locks, [lock])
        self.assertEqual(seen, [[]] * 2, "it waited until no restore point was overdue")

    def test_a_journal_that_cannot_be_read_is_told(self):
        self.cloud.locks = [(f"{cloud.SUB}/resourceGroups/rgv", "readonly", "ReadOnly")]
        report = self.fix("--allow", f"{cloud.SUB}/resourceGroups/rgv{cloud.LOCKS}/readonly", "--max-disruption", "workload", code=0)
        journal = pathlib.Path(f"/var/lib/backup-remediation/runs/{report['runId']}/journal.jsonl")
        journal.write_text(journal.read_text().replace("readonly", "readonlx", 1))
        ran = self.run_program("prove", *AS_PERSON, "--lock-again", stdin=cloud.PERSON_TOKEN, code=1)
        self.assertIn("journal.jsonl", ran.stdout)

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
