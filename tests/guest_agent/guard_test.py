"""The guard: backups that fail, and an agent that dies, months after somebody deployed the extension once.

Nobody deploys anything again, and nobody runs anything by hand: what is repaired here, the guard repaired, started by
the system's own timer (or cron), which these tests let run every few seconds.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import time
import unittest

from causes_test import FOLDER, LIB, PROGRAM, VERSION, CausesCase
from fabric import Extension
from guest_agent_case import STATE, GuestAgentCase
from machine_state import differences, machine_state
from package import SNAPSHOT_EXTENSION, backup_extension, next_version
from vm import wait_until

UNIT = "backup-remediation-guard"
GUARD = f"{STATE}/guard"
RECORD = f"{GUARD}/record.json"


def tree(vm, folder):
    """Content, mode and times of all files below a folder, but for events, which the agent takes away."""
    top = vm.inside(folder)
    return {str(path.relative_to(top)): (path.stat().st_mode, path.stat().st_mtime_ns,
                                         hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(top.rglob("*")) if path.is_file() and path.parent.name != "events"}


class GuardMixin:
    def let_time_pass(self):
        """The VM has been up for days, whatever this machine has."""
        self.vm.write("/var/lib/calm/uptime", "360000.00 720000.00\n")
        self.vm.run("mount", "--bind", "/var/lib/calm/uptime", "/proc/uptime")

    def guard(self, *arguments):
        return json.loads(self.vm.run(f"{GUARD}/backup-remediation", "guard", *arguments, "--format", "json"))

    def await_message(self, pattern, since=0.0, timeout=60):
        return self.fabric.wait_for(lambda report: pattern in report.message(self.name), timeout, since)

    def await_guard(self, pattern, since=0.0, timeout=120):
        """A report in which the guard tells that of itself."""
        return self.fabric.wait_for(
            lambda report: re.search(pattern, json.dumps(report.substatuses(self.name).get("guard", {}))), timeout, since)

    def forget(self):
        """As if a day had passed since its last repair."""
        self.vm.inside(RECORD).unlink(missing_ok=True)


@unittest.skipUnless(shutil.which("systemd-nspawn"), "not installed: systemd-nspawn")
class GuardTest(GuardMixin, CausesCase):
    def setUp(self):
        super().setUp()
        self.let_time_pass()
        # A console that can be read; the container has none.
        self.vm.run("touch", "/dev/console")

    def switch_on(self, mode="repair", every=3, **settings):
        report = self.back_up_and_run(mode="diagnose", guard=mode, **settings)
        self.assert_status(report, "success")
        self.assertIn(f"{mode}, every 1 h", json.dumps(report.substatuses(self.name)["guard"]))
        self.assertEqual(self.vm.run("systemctl", "is-active", f"{UNIT}.timer"), "active\n")
        self.assertEqual(self.vm.run("systemctl", "is-enabled", f"{UNIT}.timer"), "enabled\n")
        self.settle()
        if every:
            self.vm.write(f"/etc/systemd/system/{UNIT}.timer.d/often.conf",
                          f"[Timer]\nOnCalendar=\nOnCalendar=*:*:0/{every}\nRandomizedDelaySec=0\nAccuracySec=1\n")
            self.vm.run("systemctl", "daemon-reload")
            self.vm.run("systemctl", "restart", f"{UNIT}.timer")

    def settle(self):
        """The first ticks, until nothing is new."""
        for _ in range(3):
            self.tick()
        self.assertTrue(self.vm.inside(RECORD).exists())

    def tick(self):
        """What the timer starts; systemd does not start it as often as this."""
        self.vm.run(f"{GUARD}/backup-remediation", "guard-tick")

    def stop_timer(self):
        self.vm.run("systemctl", "stop", f"{UNIT}.timer")
        wait_until(lambda: self.vm.run("systemctl", "is-active", f"{UNIT}.service", check=False) != "activating\n")

    def assert_heals(self, cause, broken, backup_fails=False, agent_dies=False, left_alone=None):
        """Broken, the guard repairs it, and the next backup proves that. What it leaves can be undone."""
        self.stop_timer()
        self.forget()
        self.settle()
        self.await_report()
        console = self.vm.inside("/dev/console")
        console.write_text("")
        with self.cause(cause, broken) as before:
            if backup_fails:
                self.assertNotIn(self.back_up_by_hand(), (0, 1))
            moment = time.monotonic()
            self.vm.run("systemctl", "start", f"{UNIT}.timer")
            report = self.await_guard(rf"{cause} \(run ", since=moment)
            # Its next look may have come before the agent reported.
            self.assertRegex(report.message(self.name), rf"^The guard, .*( Fixed: [^;]*, {cause}\)|Repaired: {cause} )")
            self.assert_status(report, "success")
            if agent_dies:
                told = self.vm.run("journalctl", "-o", "cat", "-t", "backup-remediation", "--since=-2min")
                self.assertIn("Azure Backup of this VM is at risk", told)
                self.assertIn("Azure Backup of this VM is at risk", console.read_text())
            self.assertEqual(self.back_up_by_hand(), 1)
            report = self.await_message("Repaired and proven: " + cause, since=moment)
            self.assert_status(report, "success")
            self.assertIn("proven by a backup", json.dumps(report.substatuses(self.name)["guard"]))
            self.stop_timer()
            self.undo(left_alone)
            self.assert_same_machine(before, machine_state(self.vm))

    @contextlib.contextmanager
    def agent_stopped(self, *commands):
        self.vm.run("systemctl", "stop", "walinuxagent")
        for command in commands:
            self.vm.run("systemctl", command, "walinuxagent")
        yield
        for command in commands:
            self.vm.run("systemctl", {"mask": "unmask"}[command], "walinuxagent")
        self.vm.run("systemctl", "start", "walinuxagent")

    @contextlib.contextmanager
    def agent_hangs(self):
        # For each goal state the agent puts the last report away, and writes a new one a moment after it reported.
        wait_until(lambda: list(self.vm.inside(LIB).glob("waagent_status.*.json")))
        for process in self.vm.processes("-run-exthandlers"):
            os.kill(process, signal.SIGSTOP)
        earlier = time.time() - 20 * 60
        for report in self.vm.inside(LIB).rglob("waagent_status*.json"):
            os.utime(report, (earlier, earlier))
        yield
        self.vm.run("systemctl", "restart", "walinuxagent")

    @contextlib.contextmanager
    def certificates_lost(self):
        for path in (*self.vm.inside(LIB).glob("*.crt"), *self.vm.inside(LIB).glob("*.prv")):
            path.unlink()
        yield

    def test_a_dead_agent(self):
        self.switch_on()
        self.assert_heals("agent-not-running", self.agent_stopped(), agent_dies=True)
        self.assert_heals("agent-not-running", self.agent_stopped("mask"), agent_dies=True)
        self.assert_heals("agent-process-stopped", self.agent_hangs(), agent_dies=True)

    def test_an_agent_that_cannot_work(self):
        self.switch_on()
        self.assert_heals("extensions-disabled", self.edited_configuration(
            "Extensions.Enabled=y", "Extensions.Enabled=n # for the migration"))
        self.assert_heals("transport-certificate-missing", self.certificates_lost())

    def test_backups_that_fail(self):
        self.switch_on(maxDisruption="workload")
        self.assert_heals("freeze-configuration", self.mounted_twice(
            "[SnapshotThread]\nMountsToSkip = /srv/data\n", encoding="utf-16"), backup_fails=True)
        self.assert_heals("extension-damaged", self.missing(
            f"{FOLDER}/main/safefreeze/bin/safefreeze"), backup_fails=True)
        self.assert_heals("file-system-frozen", self.left_frozen())

    def test_what_does_not_help_is_tried_once(self):
        """Somebody, an antivirus say, takes safefreeze away again and again."""
        self.switch_on()
        safefreeze = f"{FOLDER}/main/safefreeze/bin/safefreeze"
        whole = self.vm.inside(safefreeze).read_bytes()
        for seen in (r"extension-damaged \(run ", r"extension-damaged \([^)]*, not healed by it"):
            self.vm.inside(safefreeze).unlink()
            moment = time.monotonic()
            self.assertEqual(self.back_up_by_hand(), 124)
            report = self.await_guard(seen, since=moment)
        self.assertIn("failed as before", report.message(self.name))
        self.assert_status(report, "success")
        time.sleep(10)
        self.assertFalse(self.vm.inside(safefreeze).exists())
        self.assertEqual(len(list(self.vm.inside(f"{STATE}/runs").iterdir())), 1)
        self.vm.inside(safefreeze).write_bytes(whole)
        self.vm.inside(safefreeze).chmod(0o755)
        self.assertEqual(self.back_up_by_hand(), 1)

    def test_a_tick_that_is_killed(self):
        """At whatever moment: the next one goes on, and what was half done is rolled back or finished."""
        self.switch_on(every=None)
        safefreeze = f"{FOLDER}/main/safefreeze/bin/safefreeze"
        killed = 0
        for moment in range(24):
            self.forget()
            self.vm.inside(safefreeze).unlink()
            self.assertEqual(self.back_up_by_hand(), 124)
            tick = self.vm.start(f"{GUARD}/backup-remediation", "guard-tick")
            time.sleep(0.01 * moment)
            for process in self.vm.processes("guard-tick"):
                os.kill(process, signal.SIGKILL)
                killed += 1
            tick.wait(timeout=60)
            self.tick()
            self.assertEqual(json.loads(self.vm.inside(RECORD).read_text())["repairing"], "")
            if not self.vm.inside(safefreeze).exists():  # it is tried once a day
                self.forget()
                self.tick()
            self.assertEqual(self.back_up_by_hand(), 1)
            self.assertNotIn("interrupted", self.vm.run(PROGRAM, "history"))
        self.assertGreater(killed, 5)
        self.assertEqual({path.name for path in self.vm.inside(GUARD).iterdir()},
                         {"backup-remediation", "settings.json", "record.json"})

    def test_watching_changes_nothing(self):
        self.switch_on(mode="watch")
        conf = self.vm.inside("/etc/waagent.conf")
        conf.write_text(conf.read_text().replace("Extensions.Enabled=y", "Extensions.Enabled=n"))
        before = conf.read_text()
        report = self.await_message("extensions-disabled")
        self.assertRegex(report.message(self.name), "^The guard, .* Action needed: ")
        self.assertEqual(conf.read_text(), before)

    def test_a_healthy_vm_stays_as_it_is(self):
        self.switch_on(every=None)
        folders = (STATE, f"/var/log/azure/{self.name}", "/etc")
        before = machine_state(self.vm), [tree(self.vm, folder) for folder in folders]
        # What the timer starts, a thousand times.
        self.vm.run("sh", "-ec", f"""i=0; while [ $i -lt 1000 ]; do {GUARD}/backup-remediation guard-tick
                                     i=$((i + 1)); done""", timeout=120)
        self.assertEqual(differences(before[0], machine_state(self.vm)), {})
        for folder, earlier in zip(folders, before[1]):
            self.assertEqual(tree(self.vm, folder), earlier, folder)

    @unittest.skipUnless(shutil.which("time"), "not installed: time")
    def test_a_tick_costs_nothing(self):
        self.switch_on(every=None)
        self.await_report()
        costs = [self.cost_of_tick() for _ in range(20)]
        self.assertLess(min(seconds for seconds, _ in costs), 0.05)
        self.assertLessEqual(max(size for _, size in costs), 8 * 1024)

    def cost_of_tick(self):
        """Seconds, and KiB at most in memory, of one that finds nothing new."""
        seconds, size = self.vm.run("time", "--format=%e %M", f"{GUARD}/backup-remediation", "guard-tick").split()
        return float(seconds), int(size)

    def test_its_life(self):
        self.switch_on(every=None)
        settings = {"mode": "diagnose", "guard": "repair"}
        self.ask_for(sequence=self.sequence, state="disabled", public=settings)
        wait_until(lambda: self.settings()["suspended"])
        self.ask_for(sequence=self.sequence, public=settings)
        wait_until(lambda: not self.settings()["suspended"])

        self.fabric.publish(self.name, newer := next_version(self.version), self.package)

        self.ask_for(version=newer, sequence=self.sequence, public=settings)
        self.fabric.wait_for(lambda report: report.handler(self.name).get("handlerVersion") == newer)
        wait_until(lambda: newer in self.settings()["handlerFolder"])
        wait_until(lambda: not self.settings()["suspended"])

        self.ask_for(version=newer, sequence=self.sequence, state="uninstall")
        wait_until(lambda: not self.vm.handler_folder(self.name, newer).exists())
        self.assert_no_trace()

    def settings(self):
        return json.loads(self.vm.inside(f"{GUARD}/settings.json").read_text())

    def assert_no_trace(self):
        self.assertFalse(self.vm.inside(GUARD).exists())
        for folder in ("/etc", "/var/lib/systemd"):
            self.assertEqual([path for path in self.vm.inside(folder).rglob("*") if UNIT in path.name], [], folder)
        self.assertNotIn(UNIT, self.vm.run("systemctl", "list-units", "--all", "--no-legend"))

    def test_removed_by_force(self):
        self.switch_on(every=None)
        self.fabric.set_goal_state()
        wait_until(lambda: not self.vm.handler_folder(self.name, self.version).exists())
        shutil.rmtree(self.vm.handler_folder(self.name, self.version), ignore_errors=True)
        self.tick()
        record = json.loads(self.vm.inside(RECORD).read_text())
        self.assertGreater(record["folderMissingSince"], 0)
        record["folderMissingSince"] -= 3600
        self.vm.inside(RECORD).write_text(json.dumps(record))
        self.tick()
        self.assert_no_trace()
        self.assertIn("the extension was removed", self.vm.inside("/dev/console").read_text())


@unittest.skipUnless(shutil.which("cron"), "not installed: cron")
class CronTest(GuardMixin, GuestAgentCase):
    """Without systemd."""

    def setUp(self):
        super().setUp()
        self.fabric.publish(SNAPSHOT_EXTENSION, VERSION, backup_extension())
        self.vm.boot()
        self.let_time_pass()

    def test_cron_repairs_too(self):
        self.sequence = 1
        backup = Extension(SNAPSHOT_EXTENSION, VERSION, sequence=1, public={"taskId": 1}, protected={"objectStr": "x"})
        self.assert_status(self.enable(backup, sequence=1, public={"mode": "diagnose", "guard": "repair"}), "success")
        table = self.vm.inside(f"/etc/cron.d/{UNIT}")
        self.assertEqual(table.stat().st_mode & 0o7777, 0o644)
        lines = table.read_text().splitlines()
        self.assertRegex(lines[-1], rf"^\d+ \* \* \* \* root {GUARD}/backup-remediation guard-tick ")
        # As it is, but every minute.
        lines[-1] = "* " + lines[-1].split(" ", 1)[1]
        table.write_text("\n".join(lines) + "\n")
        for other in self.vm.inside("/etc/cron.d").iterdir():
            if other != table:
                other.unlink()
        cron = self.vm.start("cron", "-f")
        try:
            wait_until(self.vm.inside(RECORD).exists, timeout=90)
            safefreeze = self.vm.inside(f"{FOLDER}/main/safefreeze/bin/safefreeze")
            safefreeze.rename(self.vm.inside("/var/quarantine"))
            self.assertEqual(CausesCase.back_up_by_hand(self), 124)
            report = self.await_guard(r"extension-damaged \(run ", timeout=90)
            self.assertRegex(report.message(self.name), r"^The guard, .* Fixed: .*, extension-damaged\)")
            self.assertEqual(CausesCase.back_up_by_hand(self), 1)
            self.await_message("Repaired and proven: extension-damaged", timeout=90)
        finally:
            cron.kill()
            cron.wait()
