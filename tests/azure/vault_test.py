"""diagnose --vault: all VMs of a vault, from an admin's computer."""

import csv
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

import cloud
import fleet
from look_test import CloudTest, PROGRAM, REPOSITORY

OFF = {"errorCode": 380008, "errorString": "The VM was off."}
LIMIT = {"errorCode": 1, "errorString": "UserErrorRpCollectionLimitReached"}
AGENT = {"errorCode": 1, "errorString": "UserErrorGuestAgentStatusUnavailable: no status"}
STRANGE = {"errorCode": 987654, "errorString": "=HYPERLINK(\"http://x\";\"Nobody knows, \"\"this\"\"\")"}


class VaultTest(CloudTest):
    def start(self, count):
        self.cloud.close()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cloud = fleet.Fleet(folder.name, count)
        self.addCleanup(self.cloud.close)
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        subprocess.run(["umount", bundle], check=True)
        subprocess.run(["mount", "--bind", self.cloud.authority, bundle], check=True)

    def look(self, *words, code, vault=fleet.VAULT):
        return self.run_program("diagnose", "--vault", vault, "--token", "-", *words, stdin=cloud.PERSON_TOKEN, code=code)

    def report(self, *words, code):
        report = json.loads(self.look("--format", "json", *words, code=code).stdout)
        self.vms = {vm["name"]: vm for vm in report["vms"]}
        return report

    def asked(self, *ends):
        return [path for _, _, path, _, _ in self.cloud.requests if path.lower().endswith(tuple(end.lower() for end in ends))]


class Vault(VaultTest):
    def test_all_are_well(self):
        self.start(450)
        report = self.report(code=0)
        self.assertEqual(report["counts"]["well"], 450)
        self.assertEqual(len(report["vms"]), 450)
        # Three pages of items, sixteen of jobs: a VM that is well costs no question of its own.
        self.assertEqual(len(self.cloud.requests), 3 + 16)
        self.assertEqual({host for host, *_ in self.cloud.requests}, {cloud.HOST})
        self.assertEqual(self.cloud.metadata_requests, [], "an admin's computer has no metadata service")
        text = self.look(code=0).stdout
        self.assertIn("Vault vault1 (rgv): 450 VMs", text)
        self.assertLess(len(text.splitlines()), 6)

    def test_which_fail_with_what_since_when_and_what_would_repair_them(self):
        self.start(40)
        self.cloud.add_fault(1, OFF, days=3)
        self.cloud.add_fault(2, LIMIT, days=9, points=20)
        self.cloud.add_fault(3, AGENT, days=1)
        self.cloud.add_fault(4, STRANGE, days=2)
        self.cloud.add_fault(5, protection="ProtectionStopped")
        self.cloud.add_fault(6, {"errorCode": 5, "errorString": "slow"}, days=1, state="CompletedWithWarnings")
        self.cloud.add_fault(7, {"errorCode": 5, "errorString": "x"}, days=2, extension="Failed")
        self.cloud.add_fault(8, health="Look at this.")
        self.cloud.add_fault(9, OFF, days=2)
        self.cloud.running = {9, 10}
        self.cloud.locks = [(cloud.SUB, "all", "CanNotDelete")]
        report = self.report(code=1)
        self.assertEqual(report["counts"], {"failing": 6, "unknown": 0, "not-protected": 1, "warned": 2,
                                            "no-backup-yet": 0, "well": 31})
        self.assertEqual(self.vms["vm0001"]["cause"], "vm-not-running")
        self.assertEqual(self.vms["vm0001"]["errorCode"], "380008")
        since = time.strptime(self.vms["vm0001"]["failingSince"], "%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(since.tm_yday, time.gmtime(time.time() - 2 * 86400 - 4 * 3600).tm_yday)
        self.assertFalse(self.vms["vm0001"]["mayFailForLonger"])
        self.assertEqual(self.vms["vm0002"]["cause"], "resource-lock")
        self.assertIn("az lock delete", self.vms["vm0002"]["repair"])
        self.assertTrue(self.vms["vm0002"]["mayFailForLonger"], "all jobs of the seven days failed")
        self.assertIsNone(self.vms["vm0003"]["cause"])
        self.assertIn("inside the VM: run \"backup-remediation fix --error-code UserErrorGuestAgentStatusUnavailable\"",
                      self.vms["vm0003"]["repair"])
        self.assertEqual(self.vms["vm0004"]["errorCode"], "987654")
        self.assertIn("Nobody knows", self.vms["vm0004"]["summary"])
        self.assertEqual(self.vms["vm0005"]["cause"], "protection-stopped")
        self.assertEqual(self.vms["vm0006"]["state"], "warned")
        self.assertEqual(self.vms["vm0007"]["cause"], "snapshot-extension-failed")
        self.assertIn("vm0007/extensions/VMSnapshotLinux", self.vms["vm0007"]["repair"])
        self.assertEqual(self.vms["vm0008"]["summary"], "health: Look at this.")
        self.assertEqual([vm["name"] for vm in report["vms"] if vm["running"]], ["vm0010", "vm0009"])
        self.assertEqual(self.vms["vm0009"]["errorCode"], "380008", "of the last that has ended")
        self.assertEqual(self.vms["vm0009"]["state"], "failing")
        self.assertEqual(report["notice"], None)
        self.assertEqual({json.dumps(vm["missingActions"] + vm["problems"]) for vm in report["vms"]}, {"[]"})
        posts = {path.rsplit("/", 1)[1] for _, method, path, _, _ in self.cloud.requests if method != "GET"}
        self.assertLessEqual(posts, {"checkPolicyRestrictions"})
        # What is the same for all VMs is asked once or, by VMs that are looked at side by side, four times.
        self.assertLessEqual(len(self.asked("/providers/Microsoft.Authorization/locks")), 4)

        text = self.look(code=1).stdout
        self.assertLessEqual(max(len(line) for line in text.splitlines() if "/" not in line), 80)
        self.assertRegex(text, r"(?m)^  failing +6$")
        self.assertIn("[resource-lock]", text)
        self.assertRegex(text, r"vm0002 \(rg2\) +failing since 20\d\d-\d\d-\d\d \d\d:\d\d UTC or longer;")
        self.assertNotIn("vm0010", text)

        rows = list(csv.DictReader(io.StringIO(self.look("--format", "csv", code=1).stdout, newline="")))
        self.assertEqual([row["vm"] for row in rows][:2], ["vm0010", "vm0020"], "in the order of groups and names")
        self.assertEqual(len(rows), 40)
        strange = next(row for row in rows if row["vm"] == "vm0004")
        self.assertEqual(strange["errorText"], "'" + STRANGE["errorString"])
        self.assertEqual(strange["state"], "failing")
        for row in rows:
            self.assertFalse([value for value in row.values() if value[:1] in ("=", "+", "-", "@", "\t", "\r")], row)

    def test_a_role_that_may_look(self):
        self.start(6)
        self.cloud.add_fault(1, OFF)
        self.cloud.actions = json.loads((REPOSITORY / "manifest/roles/look.json").read_text())["Actions"]
        self.report(code=1)
        self.assertEqual(self.vms["vm0001"]["missingActions"], [])

    def test_without_a_right_to_the_vault(self):
        self.start(3)
        self.cloud.actions = ["Microsoft.Compute/*"]
        ran = self.look(code=3)
        self.assertIn("Microsoft.RecoveryServices/vaults/backupProtectedItems/read", ran.stderr)
        self.assertIn("Backup Remediation: look", ran.stderr)
        self.assertEqual(ran.stdout, "")
        ran = self.look(vault=fleet.VAULT + "9", code=3)
        self.cloud.actions = ["*"]
        ran = self.look(vault=fleet.VAULT + "9", code=3)
        self.assertIn("ResourceNotFound", ran.stderr)

    def test_without_a_right_to_the_jobs(self):
        self.start(3)
        self.cloud.add_fault(1, OFF)
        self.cloud.actions = ["Microsoft.Compute/*", "Microsoft.RecoveryServices/vaults/backupProtectedItems/read"]
        report = self.report(code=1)
        self.assertIn("backupJobs/read", report["notice"])
        self.assertEqual(self.vms["vm0001"]["state"], "failing")
        self.assertIsNone(self.vms["vm0001"]["failingSince"])
        self.assertIn("Microsoft.Authorization/locks/read", self.vms["vm0001"]["missingActions"])
        self.assertIn("Microsoft.Authorization/locks/read (asked for 1 VM)", self.look(code=1).stdout)
        self.cloud.faults = {}
        self.look(code=3)

    def test_a_vm_that_this_token_may_not_see(self):
        self.start(5)
        for number in (1, 2, 3):
            self.cloud.add_fault(number, AGENT)
        self.cloud.hidden = {2}
        self.report(code=1)
        self.assertEqual(self.vms["vm0002"]["state"], "failing")
        self.assertEqual(self.vms["vm0002"]["errorCode"], "UserErrorGuestAgentStatusUnavailable")
        self.assertIn("Microsoft.Compute/virtualMachines/read", self.vms["vm0002"]["missingActions"])
        self.assertEqual(self.vms["vm0001"]["missingActions"], [])
        self.assertIn("Backup Remediation: look", self.look(code=1).stdout)

    def test_a_vm_that_is_gone(self):
        self.start(3)
        self.cloud.add_fault(2, {"errorCode": 1, "errorString": "?"})
        self.cloud.gone = {2}
        self.report(code=1)
        self.assertEqual(self.vms["vm0002"]["cause"], "protected-vm-not-found")

    def test_throttling(self):
        """T21: after a refusal nobody asks until Azure's time is over, and nothing is missing in the end."""
        self.start(12)
        for number in range(1, 13):
            self.cloud.add_fault(number, OFF)
        self.cloud.silence = 20
        report = self.report(code=1)
        self.assertEqual({json.dumps(vm["problems"]) for vm in report["vms"]}, {"[]"})
        self.assertEqual({vm["cause"] for vm in report["vms"]}, {"vm-not-running"})
        self.cloud.throttled = ["4000"] * 50  # longer than the look may last
        ran = self.look(code=3)
        self.assertIn("4000 s of silence", ran.stderr)

    def test_a_server_that_fails(self):
        self.start(4)
        self.cloud.add_fault(1, OFF)
        self.cloud.failing = {"/instanceView"}
        self.report(code=1)
        self.assertIn("InternalServerError", "".join(self.vms["vm0001"]["problems"]))
        self.assertIn("Azure did not tell all", self.look(code=1).stdout)

    def test_the_token_goes_to_no_other_host(self):
        self.start(401)
        self.cloud.foreign_next_link = "localhost"
        ran = self.look(code=3)
        self.assertIn("gets no token", ran.stderr)
        self.assertEqual({host for host, *_ in self.cloud.requests}, {cloud.HOST})

    def test_wrong_words(self):
        for words in (["--format", "html"], ["--error-code", "x"], ["--capture", "x"]):
            self.look(*words, code=2)
        self.run_program("diagnose", "--format", "csv", code=2)
        self.run_program("diagnose", "--vault", fleet.VAULT, code=2)
        self.run_program("diagnose", "--vault", "vault1", "--token", "-", code=2)
        self.run_program("diagnose", "--vault", fleet.VAULT, "--token", "-", stdin="", code=3)


class Large(VaultTest):
    """1,000 items in less than two minutes, in little memory."""

    @staticmethod
    def peak_of(process):
        """The most memory it has had so far, in KiB. What wait4 tells counts the memory of this test before exec() too."""
        status = pathlib.Path(f"/proc/{process}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found.group(1)) if found else 0  # none once it has ended

    def measure(self, failing):
        self.start(1000)
        for number in range(1, 1001, 1000 // failing):
            self.cloud.add_fault(number, [OFF, LIMIT, AGENT][number % 3])
        output = tempfile.TemporaryFile()
        self.addCleanup(output.close)
        began = time.monotonic()
        process = subprocess.Popen([PROGRAM, "diagnose", "--vault", fleet.VAULT, "--token", "-", "--format", "json"],
                                   stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE)
        process.stdin.write(cloud.PERSON_TOKEN.encode())
        process.stdin.close()
        most = 0
        while process.poll() is None and time.monotonic() - began < 180:
            most = max(most, self.peak_of(process.pid))
            time.sleep(0.02)
        process.kill()
        process.wait()
        took = time.monotonic() - began
        output.seek(0)
        report = json.load(output)
        print(f"{failing} of 1000 failing: {took:.1f} s, {len(self.cloud.requests)} requests, "
              f"{most / 1024:.0f} MiB at most", file=sys.stderr)
        self.assertEqual(process.returncode, 1, process.stderr.read())
        process.stderr.close()
        self.assertEqual(report["counts"]["failing"], failing)
        self.assertEqual({json.dumps(vm["problems"]) for vm in report["vms"]}, {"[]"})
        self.assertLess(took, 120)
        self.assertGreater(most, 0)
        self.assertLess(most, 64 * 1024)

    def test_some_fail(self):
        self.measure(50)

    def test_all_fail(self):
        self.measure(1000)


if __name__ == "__main__":
    unittest.main()
