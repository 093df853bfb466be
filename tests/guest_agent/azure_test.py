"""Repairs in Azure under the real guest agent, with the small cloud of tests/azure behind it: what a reapply makes the
agent do, and what is told after the final status."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

from fabric import METADATA
from guest_agent_case import GuestAgentCase

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "azure"))
import cloud  # noqa: E402

SETTINGS = {"mode": "fix", "azure": "repair", "prove": "snapshot",
            "only": ["provider-not-registered", "snapshot-extension-failed", "provisioning-state-failed", "backup-job-failed"]}


class AzureTest(GuestAgentCase):
    def setUp(self):
        super().setUp()
        # Nearer than the fabric's, which knows no identities.
        subprocess.run(["ip", "address", "add", f"{METADATA}/32", "dev", "lo"], check=True)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cloud = cloud.Cloud(folder.name)
        self.addCleanup(self.cloud.close)
        self.vm.write("/etc/hosts", f"127.0.0.1 localhost {cloud.HOST}\n")
        self.vm.write("/etc/ssl/certs/ca-certificates.crt", self.cloud.authority.read_text())
        self.vm.boot()

    def test_repaired_proven_and_told_step_by_step(self):
        self.cloud.vm_state = "Failed"
        self.cloud.extensions = [("VMSnapshotLinux", "Microsoft.Azure.RecoveryServices", "Failed", "it broke")]
        told = []  # what Azure had been told when each change arrived
        seen_before = self.cloud.instance_view

        def word():
            return self.fabric.report.settings(self.name).get("status")

        def instance_view():
            """Azure knows that an extension has ended once the agent has uploaded that."""
            self.cloud.at_work = self.name if word() in (None, "transitioning") else None
            return seen_before()

        def before_change(method, path):
            told.append(word())

        def after_change(method, path):
            if not path.endswith("/backup"):
                self.ask_for(public=SETTINGS)  # a write to the VM is a new goal state: the agent enables again
        self.cloud.instance_view = instance_view
        self.cloud.before_change, self.cloud.after_change = before_change, after_change
        self.ask_for(public=SETTINGS)
        report = self.fabric.wait_for(lambda report: "Proven: " in report.message(self.name), timeout=180)
        self.assert_status(report, "success")
        self.assertEqual(told, ["success"] * 3, "nothing is written to the VM before the extension has ended")
        self.assertEqual((self.cloud.deleted, self.cloud.reapplied, self.cloud.backups), (1, 1, 1))
        self.assertIn("Repaired in Azure", report.message(self.name))
        self.assertIn("FileSystemConsistent", json.dumps(report.substatuses(self.name)["prove"]))
        self.assertEqual(report.sequence(self.name), 0)
        # The same number once more: the newest text stays.
        self.ask_for(public=SETTINGS)
        self.vm.restart_agent()
        report = self.result(since=time.monotonic() + 5)
        self.assertIn("Proven: ", report.message(self.name))
        self.assertEqual(self.cloud.backups, 1)
