"""The shipped program asks Azure, in a network namespace that has nothing but the test's cloud."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import cloud

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", REPOSITORY / "build/linux-x64"))
PROGRAM = BUILD / "backup-remediation"
AZURE_CAUSES = ("agent-not-ready-in-azure,allow-extension-operations,backup-already-running,backup-job-failed,policy-denied,"
                "protected-vm-not-found,protection-quota,protection-stopped,provider-not-registered,provisioning-state-failed,"
                "resource-lock,restore-point-collection-deleted,restore-point-limit,snapshot-extension-failed,transfer-slow,"
                "vm-not-running")


class CloudTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cloud = cloud.Cloud(folder.name)
        self.addCleanup(self.cloud.close)
        hosts = pathlib.Path(folder.name) / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {cloud.HOST}\n")
        for source, target in ((hosts, "/etc/hosts"), (self.cloud.authority, "/etc/ssl/certs/ca-certificates.crt")):
            subprocess.run(["mount", "--bind", source, target], check=True)
            self.addCleanup(subprocess.run, ["umount", target])

    def run_program(self, *words, stdin="", code=None):
        ran = subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, text=True, timeout=120)
        for secret in (cloud.VM_TOKEN, cloud.PERSON_TOKEN):
            self.assertNotIn(secret, ran.stdout + ran.stderr)
        if code is not None:
            self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran

    def diagnose(self, *words, stdin="", only=AZURE_CAUSES):
        ran = self.run_program("diagnose", *(words or ["--azure"]), "--only", only, "--format", "json", stdin=stdin)
        self.assertIn(ran.returncode, (0, 1, 3), ran.stderr)
        report = json.loads(ran.stdout)
        self.findings = {each["id"]: each for each in report["findings"]}
        self.report = report
        return {key: value["state"] for key, value in self.findings.items() if value["state"] not in ("healthy", "not-applicable")}


class Look(CloudTest):
    def test_a_healthy_vm(self):
        self.cloud.jobs = [self.cloud.job(n, "Completed") for n in range(5)]
        self.assertEqual(self.diagnose(), {})
        self.assertEqual(self.cloud.wrong_tokens, 0)
        self.assertLess(len(self.cloud.requests), 30)

    def test_by_default_azure_is_not_asked(self):
        self.run_program("diagnose", "--only", AZURE_CAUSES)
        self.assertEqual(self.cloud.requests, [])
        self.assertFalse([path for path, _ in self.cloud.metadata_requests if "identity" in path])

    def test_the_number_of_the_last_job_finds_its_cause(self):
        self.cloud.jobs = [self.cloud.job(1, "Failed", [{"errorCode": 380008, "errorString": "Die VM war aus."}])]
        self.assertEqual(self.diagnose(), {"backup-job-failed": "needs-operator", "vm-not-running": "unproven"})
        self.assertEqual(self.report["errorCode"], "380008")

    def test_a_lock_of_the_subscription_and_points_that_pile_up(self):
        self.cloud.locks = [(f"{cloud.SUB}/resourceGroups/rg{n}", f"l{n}", "CanNotDelete") for n in range(3)]
        self.cloud.locks.append((cloud.SUB, "all", "CanNotDelete"))  # on the second page
        self.cloud.points = [self.cloud.point(n, cloud.ago(days=n)) for n in range(20)]
        self.cloud.jobs = [self.cloud.job(1, "Failed", [{"errorCode": 1, "errorString": "UserErrorRpCollectionLimitReached"}])]
        self.assertEqual(self.diagnose(), {"backup-job-failed": "needs-operator", "resource-lock": "needs-operator",
                                           "restore-point-limit": "needs-operator"})
        self.assertEqual(self.report["rootCause"], "resource-lock")
        self.assertIn(f"{cloud.SUB}{cloud.LOCKS}/all", json.dumps(self.findings["resource-lock"]))

    def test_a_failed_snapshot_extension_behind_a_lock(self):
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = [("VMSnapshotLinux", "Microsoft.Azure.RecoveryServices", "Failed", "it broke")]
        self.cloud.locks = [(cloud.VM.rsplit("/providers/", 1)[0], "frozen", "ReadOnly")]
        states = self.diagnose()
        self.assertEqual(states["snapshot-extension-failed"], "needs-operator")
        self.assertEqual(states["provisioning-state-failed"], "needs-operator")
        self.assertEqual(states["resource-lock"], "needs-operator")

    def test_an_older_cloud(self):
        """A sovereign cloud may lack the newest versions."""
        self.cloud.versions = {"microsoft.compute": ["2022-08-01", "2024-07-01", "2099-01-01-preview"],
                               "microsoft.recoveryservices": ["2023-01-01", "2016-12-01"]}
        self.assertEqual(self.diagnose(), {})
        asked = {query["api-version"] for _, _, path, query, _ in self.cloud.requests if path == cloud.VM}
        self.assertEqual(asked, {"2025-04-01", "2024-07-01"})

    def test_a_vault_that_is_named(self):
        """T10: backupStatus needs a right at the subscription; the vault's list does not."""
        self.cloud.actions = ["Microsoft.Compute/*", "Microsoft.RecoveryServices/vaults/*", "Microsoft.Authorization/locks/read"]
        states = self.diagnose(only="backup-job-failed,protection-stopped")
        self.assertEqual(set(states.values()), {"unknown"})
        self.assertIn("backupStatus/action", json.dumps(self.findings))
        self.assertEqual(self.diagnose("--azure", "--vault", cloud.VAULT, only="backup-job-failed,protection-stopped"), {})

    def test_an_identity_without_rights(self):
        """T16: what may not be seen is unknown, and names the action."""
        self.cloud.actions = []
        states = self.diagnose()
        self.assertEqual(set(states.values()), {"unknown"})
        self.assertEqual(len(states), len(AZURE_CAUSES.split(",")))
        self.assertIn("Microsoft.Authorization/locks/read", self.findings["resource-lock"]["summary"])

    def test_throttling(self):
        self.cloud.throttled = [0, 0, 0]
        self.assertEqual(self.diagnose(), {})
        self.cloud.throttled = ["1200"] * 50
        states = self.diagnose()
        self.assertEqual(set(states.values()), {"unknown"})
        self.assertIn("1200 s", json.dumps(self.findings["resource-lock"]))

    def test_a_server_that_fails_now_and_then(self):
        self.cloud.failing = {"/restorePointCollections"}
        self.assertEqual(self.diagnose(only="resource-lock,restore-point-limit,vm-not-running"),
                         {"restore-point-limit": "unknown"})

    def test_the_token_goes_to_no_other_host(self):
        """T14"""
        self.cloud.locks = [(cloud.SUB, f"l{n}", "CanNotDelete") for n in range(5)]
        self.cloud.foreign_next_link = "localhost"
        self.assertEqual(self.diagnose(only="resource-lock"), {"resource-lock": "unknown"})
        self.assertEqual({host for host, *_ in self.cloud.requests}, {cloud.HOST})

    def test_a_host_with_another_certificate_gets_no_token(self):
        empty = pathlib.Path(self.cloud.authority).parent / "empty.pem"
        cloud_folder = tempfile.TemporaryDirectory()
        self.addCleanup(cloud_folder.cleanup)
        other, _ = cloud.make_certificates(cloud_folder.name, "other.example")
        empty.write_bytes(other.read_bytes())
        subprocess.run(["mount", "--bind", empty, "/etc/ssl/certs/ca-certificates.crt"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/ssl/certs/ca-certificates.crt"])
        self.assertEqual(set(self.diagnose(only="resource-lock,vm-not-running").values()), {"unknown"})
        self.assertEqual(self.cloud.requests, [])

    def test_only_reads(self):
        self.diagnose()
        posts = {path.rsplit("/", 1)[1] for _, method, path, _, _ in self.cloud.requests if method != "GET"}
        self.assertEqual(posts, {"backupStatus", "checkPolicyRestrictions"})
        self.assertEqual({method for _, method, *_ in self.cloud.requests}, {"GET", "POST"})


class Identity(CloudTest):
    def test_the_service_is_updated(self):
        self.cloud.identity_answers = [(410, {}), (404, {}), (429, {})]
        self.assertEqual(self.diagnose(only="resource-lock"), {})
        tokens = [headers for path, headers in self.cloud.metadata_requests if "identity" in path]
        self.assertEqual(len(tokens), 4)
        self.assertTrue(all(headers["Metadata"] == "true" for headers in tokens))

    def test_without_an_identity_all_is_as_without_azure(self):
        self.cloud.identity_answers = [(400, {"error": "invalid_request", "error_description": "Identity not found"})] * 9
        ran = self.run_program("diagnose", "--azure", "--only", "resource-lock", "--error-code", "UserErrorScopeLocked",
                               "--format", "json", code=1)
        report = json.loads(ran.stdout)
        self.assertEqual(report["findings"][0]["state"], "needs-operator")
        self.assertEqual(len([notice for notice in report["notices"] if "no managed identity" in notice]), 1)
        self.assertEqual(self.cloud.requests, [])

    def test_access_names_what_is_missing(self):
        self.run_program("access", code=0)
        self.cloud.actions = ["Microsoft.Compute/*/read", "*/backupStatus/action", "Microsoft.RecoveryServices/*/read", "*/permissions/read"]
        ran = self.run_program("access", code=1)
        self.assertIn("Microsoft.Authorization/locks/read (at the subscription): locks", " ".join(ran.stdout.split()))
        self.assertIn("Backup Remediation: look", ran.stdout)

    def test_the_role_definition_has_what_is_asked_for(self):
        needed = {each["action"].lower() for each in json.loads(self.run_program("access", "--format", "json").stdout)["needed"]}
        role = json.loads((REPOSITORY / "manifest/roles/look.json").read_text())
        self.assertEqual({action.lower() for action in role["Actions"]}, needed)
        # With that role alone nothing is unknown.
        self.cloud.actions = role["Actions"]
        self.assertEqual(self.diagnose(), {})
        self.run_program("access", code=0)


class Outside(CloudTest):
    def test_a_vm_from_an_admins_computer(self):
        self.cloud.vm_state = "Failed"
        states = self.diagnose("--vm", cloud.VM, "--token", "-", stdin=cloud.PERSON_TOKEN + "\n")
        self.assertEqual(states, {"provisioning-state-failed": "needs-operator"})
        self.assertEqual(self.cloud.metadata_requests, [], "an admin's computer has no metadata service")

    def test_the_page_shows_both_views(self):
        self.cloud.vm_state = "Failed"
        ran = self.run_program("diagnose", "--vm", cloud.VM, "--token", "-", "--format", "html", stdin=cloud.PERSON_TOKEN, code=1)
        self.assertIn("In the VM, and in Azure", ran.stdout)
        self.assertIn("running, provisioning state Failed", ran.stdout)
        self.assertIn("Protected in vault vault1", ran.stdout)

    def test_all_causes_of_it(self):
        ran = self.run_program("diagnose", "--vm", cloud.VM, "--token", "-", "--format", "json", stdin=cloud.PERSON_TOKEN, code=0)
        report = json.loads(ran.stdout)
        states = {each["id"]: each["state"] for each in report["findings"]}
        self.assertNotIn("agent-stopped", states)
        self.assertEqual(states["resource-lock"], "healthy")
        self.assertEqual([key for key, state in states.items() if state == "unknown"], [])

    def test_a_token_is_never_an_argument(self):
        self.run_program("diagnose", "--vm", cloud.VM, "--token", "eyJ0eXAi", code=2)
        ran = self.run_program("diagnose", "--vm", cloud.VM, "--token", "-", stdin="", code=3)
        self.assertIn("no token", ran.stderr)
        ran = self.run_program("diagnose", "--vm", cloud.VM, "--token", "-", stdin="a wrong one\n", code=3)
        self.assertNotIn("a wrong one", ran.stderr)

    def test_a_vm_that_is_not_there(self):
        ran = self.run_program("diagnose", "--vm", cloud.VM + "9", "--token", "-", stdin=cloud.PERSON_TOKEN, code=3)
        self.assertIn("ResourceNotFound", ran.stderr)


class Prove(CloudTest):
    def prove(self, *words, code, stdin=""):
        return json.loads(self.run_program("prove", *words, "--format", "json", stdin=stdin, code=code).stdout)

    def test_a_backup_is_started_and_its_recovery_point_is_the_proof(self):
        proof = self.prove(code=0)
        self.assertTrue(proof["proven"], proof)
        self.assertEqual(proof["recoveryPoint"], "p9")
        self.assertEqual(proof["consistency"], "FileSystemConsistent")
        self.assertEqual(proof["tiers"], "InstantRP")
        self.assertEqual(self.cloud.backups, 1)

    def test_a_person_proves_from_an_admins_computer(self):
        self.assertTrue(self.prove("--vm", cloud.VM, "--token", "-", stdin=cloud.PERSON_TOKEN, code=0)["proven"])

    def test_a_backup_that_runs_is_not_doubled(self):
        self.cloud.jobs = [self.cloud.job("running", "Failed", [{"errorCode": 380008}])]
        self.cloud.jobs = [self.cloud.job("running", "InProgress", startTime=cloud.ago(minutes=3))]
        self.cloud.backups = 1
        self.assertTrue(self.prove(code=0)["proven"])
        self.assertFalse([path for _, method, path, _, _ in self.cloud.requests if method == "POST" and path.endswith("/backup")])

    def test_a_lock_forbids_it(self):
        """T10: a ReadOnly lock on the vault forbids every POST."""
        self.cloud.locks = [(cloud.VAULT, "frozen", "ReadOnly")]
        proof = self.prove(code=1)
        self.assertFalse(proof["proven"])
        self.assertIn("ScopeLocked", proof["summary"])

    def test_without_the_right_to_start_one(self):
        self.cloud.actions = json.loads((REPOSITORY / "manifest/roles/look.json").read_text())["Actions"]
        proof = self.prove(code=1)
        self.assertIn("AuthorizationFailed", proof["summary"])
        self.assertEqual(self.cloud.backups, 0)
        self.cloud.actions += json.loads((REPOSITORY / "manifest/roles/prove.json").read_text())["Actions"]
        self.assertTrue(self.prove(code=0)["proven"])

    def test_a_vm_that_nobody_protects(self):
        self.cloud.protection_state = None
        self.run_program("prove", code=3)


class Captures(CloudTest):
    def test_a_capture_has_the_answers_and_no_secret(self):
        """T13"""
        self.cloud.jobs = [self.cloud.job(1, "Failed", [{"errorCode": 380008, "errorString": "x"}])]
        with tempfile.TemporaryDirectory() as folder:
            self.run_program("capture", "--azure", "--output", f"{folder}/c", code=0)
            everything = "".join(each.read_text(errors="replace") for each in pathlib.Path(folder).rglob("*") if each.is_file())
            self.assertIn(cloud.VM.lower(), everything)
            for secret in (cloud.VM_TOKEN, cloud.VM_TOKEN.split(".")[2], "Bearer ", "secret-"):
                self.assertNotIn(secret, everything)
            asked = len(self.cloud.requests)
            states = self.diagnose("--capture", f"{folder}/c")
            self.assertEqual(states, {"backup-job-failed": "needs-operator", "vm-not-running": "unproven"})
            self.assertEqual(len(self.cloud.requests), asked, "a capture is diagnosed without a packet")
