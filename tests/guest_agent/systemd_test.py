"""The same guest agent under systemd: restarting it kills its control group, and the handler's work must go on."""

import base64
import hashlib
import json
import os
import shutil
import signal
import time
import unittest

from guest_agent_case import STATE, GuestAgentCase
from package import REPOSITORY
from vm import wait_until


@unittest.skipUnless(shutil.which("systemd-nspawn"), "not installed: systemd-nspawn")
class SystemdTest(GuestAgentCase):
    def setUp(self):
        super().setUp()
        self.vm.boot_systemd()
        self.fabric.wait_for(lambda report: report.blob)

    def agent(self):
        return self.vm.run("systemctl", "show", "--property=MainPID", "walinuxagent")

    def switch_extensions_off(self):
        """The running agent has read its configuration already, so it goes on; after a restart it would not."""
        conf = self.vm.path("/etc/waagent.conf").read_text().replace(
            "Extensions.Enabled=y", "# somebody's comment\nExtensions.Enabled=n # temporary")
        self.vm.write("/etc/waagent.conf", conf)
        return conf

    def fix_until_the_agent_restarts(self):
        """Returns the worker and its supervisor, of which the worker now waits for the restart."""
        self.vm.hold_restarts()
        self.switch_extensions_off()
        agent = self.agent()
        self.ask_for(public={"mode": "fix"})
        wait_until(lambda: self.agent() not in (agent, "MainPID=0\n"))
        (worker,) = self.vm.processes("backup-remediation worker")
        return worker, self.vm.parent(worker)

    def test_the_fix_restarts_the_agent_that_started_it(self):
        conf = self.switch_extensions_off()
        agent = self.agent()
        report = self.enable(public={"mode": "fix"})

        self.assert_status(report, "success")
        self.assertNotEqual(self.agent(), agent, "the agent should have been restarted")
        fixed = self.vm.path("/etc/waagent.conf").read_text()
        self.assertIn("# somebody's comment\nExtensions.Enabled=y", fixed)
        self.assertEqual(len(fixed.splitlines()), len(conf.splitlines()))
        # The agent that came back enables again, and finds that this number was run.
        report = self.result(since=time.monotonic())
        self.assertIn("waagent.conf", json.dumps(report.settings(self.name)))
        self.assertEqual(len(list(self.vm.path(f"{STATE}/runs").iterdir())), 1)

    def test_transitioning_is_reported_while_it_works(self):
        worker, supervisor = self.fix_until_the_agent_restarts()
        for process in (worker, supervisor):
            self.assertRegex(self.vm.control_group(process), r"(?m)/backup-remediation[^/]*\.service$")

        self.fabric.wait_for(lambda report: report.settings(self.name).get("status") == "transitioning")
        self.vm.release_restarts()
        self.assert_status(self.result(), "success")

    def test_a_killed_worker_ends_in_a_terminal_status(self):
        worker, supervisor = self.fix_until_the_agent_restarts()
        os.kill(worker, signal.SIGKILL)
        self.vm.release_restarts()
        report = self.result()
        self.assert_status(report, "error")
        self.assertEqual(self.vm.processes("backup-remediation"), [])

        self.assert_status(self.enable(sequence=1, public={"mode": "fix"}), "success")

    def test_a_run_that_was_cut_short_is_run_again(self):
        worker, supervisor = self.fix_until_the_agent_restarts()
        os.kill(supervisor, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
        self.vm.release_restarts()
        moment = time.monotonic()
        self.vm.run("systemctl", "restart", "walinuxagent")
        self.assert_status(self.result(since=moment), "success")
        self.assertIn("Extensions.Enabled=y", self.vm.path("/etc/waagent.conf").read_text())

    def test_a_power_failure_while_it_works(self):
        self.fix_until_the_agent_restarts()
        self.vm.power_off()
        self.vm.release_restarts()
        moment = time.monotonic()
        self.vm.boot_systemd()
        self.assert_status(self.result(since=moment), "success")
        self.assertIn("Extensions.Enabled=y", self.vm.path("/etc/waagent.conf").read_text())

    def test_a_script_that_the_agent_runs_goes_on_too(self):
        """manifest/run/run.sh as Run Command calls it, in the agent's own control group, which the restart kills."""
        self.switch_extensions_off()
        self.vm.write("/root/run.sh", (REPOSITORY / "manifest/run/run.sh").read_text())
        self.vm.path("/root/package.zip").write_bytes(self.package)
        settings = base64.b64encode(b'{"mode": "fix", "only": ["extensions-disabled"]}').decode()
        agent = self.agent()
        group = self.vm.run("systemctl", "show", "--property=ControlGroup", "--value", "walinuxagent").strip()
        script = self.vm.start("sh", "-c", f"echo $$ >/sys/fs/cgroup{group}/cgroup.procs && exec env packageUri=/root/package.zip "
                               f"packageSha256={hashlib.sha256(self.package).hexdigest()} settings={settings} sh /root/run.sh")
        store = self.vm.path(f"{STATE}/applied/sequence.json")
        wait_until(lambda: store.exists() and json.loads(store.read_text())["state"] == "finished", timeout=60)
        self.assertNotEqual(self.agent(), agent, "the agent should have been restarted")
        self.assertIn("Extensions.Enabled=y", self.vm.path("/etc/waagent.conf").read_text())
        status = json.loads(json.loads(store.read_text())["status"])[0]["status"]
        self.assertEqual(status["status"], "success", status)
        script.wait(30)

    def test_by_hand_where_extensions_are_off(self):
        """Switched off, extensions cannot come to help; the handler was left here by an earlier enable."""
        self.enable()
        conf = self.switch_extensions_off()
        self.vm.run("systemctl", "restart", "walinuxagent")
        agent = self.agent()

        self.assertIn("extensions-disabled", self.by_hand("diagnose", "--format", "json", check=False))
        self.assertIn("waagent.conf", self.by_hand("fix"))
        self.assertIn("Extensions.Enabled=y", self.vm.path("/etc/waagent.conf").read_text())
        self.assertNotEqual(self.agent(), agent)
        self.assert_status(self.enable(sequence=1), "success")

        self.by_hand("undo")
        self.assertEqual(self.vm.path("/etc/waagent.conf").read_text(), conf)
