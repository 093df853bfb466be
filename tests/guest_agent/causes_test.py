"""Causes of failing backups, each made for real: found as the root cause, repaired, and the repair taken back.

One VM after the other is costly, so each test breaks one VM in several ways, one after another. A way to break it is
a context manager: it breaks, and on leaving takes that back. In between the handler finds the cause, fixes it, finds
nothing any more, and undoes the fix; what it leaves must be what it found, byte for byte (machine_state.py).
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from fabric import WIRE_SERVER, Extension
from guest_agent_case import STATE, GuestAgentCase
from machine_state import differences, machine_state
from package import SNAPSHOT_EXTENSION, backup_extension
from vm import wait_until

VERSION = "1.0.9220.0"
LIB = "/var/lib/waagent"
FOLDER = f"{LIB}/{SNAPSHOT_EXTENSION}-{VERSION}"
LOGS = f"/var/log/azure/{SNAPSHOT_EXTENSION}"
# Another copy, as a person brings it along where no extension can be run.
PROGRAM = "/root/backup-remediation"
TOOLS = ("systemd-nspawn", "nft", "mkfs.ext4", "losetup", "fsfreeze")


@unittest.skipUnless(all(map(shutil.which, TOOLS)), f"not installed, one of: {', '.join(TOOLS)}")
class CausesCase(GuestAgentCase):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.fabric.publish(SNAPSHOT_EXTENSION, VERSION, backup_extension())
        self.vm.boot_systemd()
        self.sequence = 0
        self.back_up_and_run(mode="diagnose")
        installed = self.vm.handler_folder(self.name, self.version) / "bin" / os.uname().machine / "backup-remediation"
        shutil.copy(installed, self.vm.path(PROGRAM))
        self.assert_healthy()

    # Through the guest agent

    def back_up_and_run(self, **settings):
        """A backup, and behind it the handler, as one goal state brings them. Returns the report of both."""
        self.sequence += 1
        backup = Extension(SNAPSHOT_EXTENSION, VERSION, sequence=self.sequence, public={"taskId": self.sequence},
                           protected={"objectStr": "snapshot"})
        return self.enable(backup, sequence=self.sequence, public=settings)

    def await_report(self):
        moment = time.monotonic()
        self.fabric.wait_for(lambda report: report.blob, since=moment)

    # By hand

    def by_hand(self, *arguments):
        """What the program tells, as JSON."""
        output = self.vm.run(PROGRAM, *arguments, "--format", "json", check=False)
        try:
            return json.loads(output)
        except json.JSONDecodeError:
            self.fail(f"{arguments}: {output}")

    def undo(self, left_alone=None):
        """Takes the last repair back, but for the file that the agent has made anew since."""
        output = self.vm.run(PROGRAM, "undo", check=left_alone is None)
        self.assertIn(left_alone or "", output)

    def back_up_by_hand(self):
        """What the agent does for the next backup; returns its result."""
        number = self.sequence + 1000
        settings = self.vm.inside(f"{FOLDER}/config/{number}.settings")
        settings.write_text("{}")
        self.vm.run("env", f"--chdir={FOLDER}", f"ConfigSequenceNumber={number}", "main/handle.sh", "enable")
        settings.unlink()
        status = self.vm.inside(f"{FOLDER}/status/{number}.status")
        code = json.loads(status.read_text())[0]["status"]["code"]
        status.unlink()
        self.vm.inside(f"{FOLDER}/mrseq").write_text(str(self.sequence))
        return code

    # What is asserted

    def findings(self, report):
        return {finding["id"]: finding for finding in report["findings"]
                if finding["state"] not in ("healthy", "not-applicable")}

    def assert_healthy(self):
        report = self.by_hand("diagnose")
        self.assertEqual(self.findings(report), {})
        self.assertIsNone(report["rootCause"])

    def assert_same_machine(self, before, now):
        self.assertEqual(differences(before, now), {})

    def assert_root_cause(self, cause, report):
        self.assertEqual(report["rootCause"], cause, json.dumps(self.findings(report), indent=1))

    @contextlib.contextmanager
    def cause(self, cause, broken):
        """Breaks the VM, gives the state it then is in, and sees at the end that all is as before."""
        whole = machine_state(self.vm)
        try:
            with broken:
                yield machine_state(self.vm)
            self.assert_same_machine(whole, machine_state(self.vm))
        except Exception as error:
            error.add_note(f"in cause {cause}")
            raise

    def repair_through_agent(self, cause, broken, left_alone=None):
        with self.cause(cause, broken) as before:
            report = self.back_up_and_run(mode="fix")
            self.assert_status(report, "success")
            self.assertRegex(report.message(self.name), rf"^Start a backup now\b.* Fixed: [^;]*, {cause}\)")
            newest_run = max(self.vm.path(f"{STATE}/runs").iterdir())
            self.assertIn(f'"rootCause":"{cause}"', (newest_run / "journal.jsonl").read_text())
            if report.handler(SNAPSHOT_EXTENSION)["status"] == "Ready":
                self.assertEqual(self.back_up_by_hand(), 1)
            else:  # only the agent can see that it is ready again
                self.back_up_and_run(mode="diagnose")
            self.assert_healthy()
            self.undo(left_alone)
            self.assert_same_machine(before, machine_state(self.vm))

    def repair_by_hand(self, cause, broken, *arguments, left_alone=None, unknown=False):
        """`unknown`: what could not be looked at while the VM was broken; all the rest is fixed."""
        with self.cause(cause, broken) as before:
            self.assert_root_cause(cause, self.by_hand("diagnose"))
            report = self.by_hand("fix", *arguments)
            self.assertEqual({finding["state"] for finding in self.findings(report).values()},
                             {"fixed", "unknown"} if unknown else {"fixed"},
                             json.dumps(self.findings(report), indent=1))
            self.assert_healthy()
            self.await_report()
            self.undo(left_alone)
            self.assert_same_machine(before, machine_state(self.vm))

    def name_only(self, cause, broken, what):
        """A cause that a person has to remove: its finding says `what`, and fixing changes nothing."""
        with self.cause(cause, broken) as before:
            report = self.by_hand("fix")
            self.assert_root_cause(cause, report)
            finding = self.findings(report)[cause]
            self.assertEqual(finding["state"], "needs-operator")
            self.assertIn(what, json.dumps(finding))
            self.assert_same_machine(before, machine_state(self.vm))

    # Ways to break the VM

    @contextlib.contextmanager
    def file(self, path, content, mode=0o644):
        """The file, with other content for a while."""
        file = self.vm.inside(path)
        before = file.read_bytes() if file.exists() else None
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if before is None:
            file.chmod(mode)
        yield
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)

    def edited_configuration(self, old, new):
        conf = self.vm.inside("/etc/waagent.conf").read_text()
        self.assertIn(old, conf)
        return self.file("/etc/waagent.conf", conf.replace(old, new))

    @contextlib.contextmanager
    def missing(self, path):
        file, aside = self.vm.inside(path), self.vm.inside("/var/aside")
        file.rename(aside)
        yield
        aside.rename(file)

    @contextlib.contextmanager
    def disk(self, *targets):
        """A new ext4 disk, mounted in the VM: a small file behind a loop device, which is not called so, because backups
        leave those out."""
        image = self.vm.folder / "disk"
        with image.open("wb") as file:
            file.truncate(8 << 20)
        _run("mkfs.ext4", "-q", image)
        loop = _run("losetup", "--find", "--show", image).strip()
        try:
            device = os.stat(loop).st_rdev
            self.vm.run("mknod", "/dev/sdc1", "b", os.major(device), os.minor(device))
            for target in targets:
                self.vm.run("mkdir", "--parents", target)
                self.vm.run("mount", "/dev/sdc1", target)
        finally:
            _run("losetup", "--detach", loop)  # as soon as it is not mounted any more
        yield
        for target in reversed(targets):
            self.vm.run("umount", target)
            self.vm.run("rmdir", target)
        self.vm.run("rm", "/dev/sdc1")
        image.unlink()

    @contextlib.contextmanager
    def mounted_twice(self, configuration=None, encoding="utf-8"):
        """The kernel refuses to freeze a file system a second time."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.disk("/data", "/srv/data"))
            if configuration:
                stack.enter_context(self.file("/etc/azure/vmbackup.conf", configuration.encode(encoding)))
            else:
                self.vm.run("rmdir", "/etc/azure")
                stack.callback(self.vm.run, "mkdir", "/etc/azure")
            yield

    @contextlib.contextmanager
    def left_frozen(self):
        """By a backup that got stuck half an hour ago; a process waits to write."""
        with self.disk("/data"):
            log = self.vm.inside(f"{LOGS}/extension.log")
            before = log.read_bytes()
            with log.open("w") as file:
                for minute, text in ((31, "starting enable"), (31, "starting daemon initially"),
                                     (30, "T:S freeze, timeout value 60"), (30, "fsfreeze mount :/data"),
                                     (30, "****** 1. Starting Freeze Binary "),
                                     (30, "****** 4. Freeze Completed (Signal=1 received)"),
                                     (30, "****** 5. Snaphotting (Host) Started")):
                    moment = time.gmtime(time.time() - 60 * minute)
                    file.write(time.strftime(f"%Y-%m-%d %H:%M:%S.000000 [{SNAPSHOT_EXTENSION}-1.0]{text}\n", moment))
            # Nothing may stay frozen, not even where this test hangs.
            thaw = self.vm.start("sh", "-c", "sleep 20; fsfreeze --unfreeze /data")
            try:
                self.vm.run("fsfreeze", "--freeze", "/data")
                writer = self.vm.start("touch", "/data/file")
                wait_until(lambda: self.vm.run("ps", "-C", "touch", "-o", "state=", check=False).strip() == "D")
                yield
            finally:
                self.vm.run("fsfreeze", "--unfreeze", "/data", check=False)
                thaw.kill()
                thaw.wait()
            self.assertEqual(writer.wait(timeout=10), 0)
            self.vm.run("rm", "/data/file")
            log.write_bytes(before)


class DeadAgentTest(CausesCase):
    """The agent does not work, so no extension can: a person runs the program."""

    @contextlib.contextmanager
    def agent_stopped(self, *commands):
        self.vm.run("systemctl", "stop", "walinuxagent")
        for command in commands:
            self.vm.run("systemctl", command, "walinuxagent")
        yield
        for command in reversed(commands):
            self.vm.run("systemctl", {"disable": "enable", "mask": "unmask"}[command], "walinuxagent")
        self.vm.run("systemctl", "start", "walinuxagent")

    @contextlib.contextmanager
    def agent_crashed(self):
        for process in self.vm.processes("/usr/sbin/waagent"):
            os.kill(process, signal.SIGKILL)
        wait_until(lambda: self.vm.run("systemctl", "is-active", "walinuxagent", check=False) == "failed\n")
        yield
        self.vm.run("systemctl", "start", "walinuxagent")

    @contextlib.contextmanager
    def agent_disabled_by_file(self):
        with self.file(f"{LIB}/disable_agent", ""):
            self.vm.run("systemctl", "restart", "walinuxagent")
            yield
        self.vm.run("systemctl", "restart", "walinuxagent")

    @contextlib.contextmanager
    def stale_pid_file(self):
        """It survived a crash, and its number has become another program's."""
        self.vm.run("systemctl", "stop", "walinuxagent")
        pid_file = self.vm.inside("/run/waagent.pid")
        pid_file.write_text("1")
        self.vm.run("systemctl", "start", "walinuxagent")
        wait_until(lambda: self.vm.run("systemctl", "is-active", "walinuxagent", check=False) == "inactive\n")
        yield
        pid_file.unlink()
        self.vm.run("systemctl", "start", "walinuxagent")

    @contextlib.contextmanager
    def agent_held(self, *words):
        """By a signal: it is there, and does nothing."""
        self.await_report()
        for process in [each for word in words for each in self.vm.processes(word)]:
            os.kill(process, signal.SIGSTOP)
        yield
        self.vm.run("systemctl", "restart", "walinuxagent")

    @contextlib.contextmanager
    def drop_in(self, text):
        """Somebody's, of the agent's unit: it keeps the agent from starting."""
        self.vm.run("systemctl", "stop", "walinuxagent")
        file = self.vm.inside("/etc/systemd/system/walinuxagent.service.d/override.conf")
        file.write_text(text)
        self.vm.run("systemctl", "daemon-reload")
        self.vm.run("systemctl", "start", "walinuxagent", check=False)
        wait_until(lambda: self.vm.run("systemctl", "is-active", "walinuxagent", check=False) != "active\n")
        yield
        file.unlink()
        self.vm.run("systemctl", "daemon-reload")
        self.vm.run("systemctl", "restart", "walinuxagent")

    @contextlib.contextmanager
    def configuration_is_gone(self):
        """The package's own lies beside it, as dpkg leaves it where somebody changed the file before."""
        conf, aside = self.vm.inside("/etc/waagent.conf"), self.vm.inside("/var/aside")
        self.vm.run("systemctl", "stop", "walinuxagent")
        with self.file("/etc/waagent.conf.dpkg-dist", conf.read_text()):
            conf.rename(aside)
            self.vm.run("systemctl", "start", "walinuxagent")
            wait_until(lambda: self.vm.run("systemctl", "is-active", "walinuxagent", check=False) == "failed\n")
            yield
            aside.rename(conf)
        self.vm.run("systemctl", "restart", "walinuxagent")

    @contextlib.contextmanager
    def mounted_noexec(self):
        self.await_report()  # an agent that just started enables its extensions first
        self.vm.run("mount", "--bind", LIB, LIB)
        self.vm.run("mount", "-o", "remount,bind,noexec", LIB)
        yield
        self.vm.run("umount", LIB)

    def test_stopped(self):
        self.repair_by_hand("agent-not-running", self.agent_stopped())
        self.repair_by_hand("agent-not-running", self.agent_stopped("disable"))
        self.repair_by_hand("agent-not-running", self.agent_stopped("mask"))
        self.repair_by_hand("agent-stale-pid-file", self.stale_pid_file(), left_alone="/var/run/waagent.pid")
        self.repair_by_hand("agent-not-running", self.agent_crashed())

    def test_held(self):
        self.repair_by_hand("agent-process-stopped", self.agent_held("-run-exthandlers"))
        self.repair_by_hand("agent-process-stopped", self.agent_held("-run-exthandlers", "-daemon"))

    def test_changed_unit(self):
        self.repair_by_hand("agent-unit-changed", self.drop_in("[Unit]\nConditionPathExists=/srv/enabled\n"))
        self.repair_by_hand("agent-unit-changed", self.drop_in("[Service]\nExecStart=/usr/sbin/waagent -start\n"),
                            unknown=True)
        self.repair_by_hand("agent-unit-changed", self.drop_in(
            "[Service]\nExecStart=\nExecStart=/opt/agent/bin/waagent -daemon\n"))

    def test_a_changed_unit_that_is_not_the_reason(self):
        """Without the drop-in the agent fails too: it is put back, and systemd knows it again."""
        modules = "/usr/lib/python3/dist-packages/azurelinuxagent"
        with self.cause("agent-unit-changed", self.drop_in("[Service]\nExecStart=\nExecStart=/bin/false\n")):
            self.vm.run("mv", modules, "/var/modules")
            before = machine_state(self.vm)
            report = self.by_hand("fix")
            self.assertIn("agent-unit-changed", self.findings(report))
            self.assertNotIn("fixed", {finding["state"] for finding in self.findings(report).values()})
            self.assert_same_machine(before, machine_state(self.vm))
            self.vm.run("mv", "/var/modules", modules)

    def test_configuration_from_the_package(self):
        with self.cause("agent-configuration-values", self.configuration_is_gone()) as before:
            self.assert_root_cause("agent-configuration-values", self.by_hand("diagnose"))
            self.by_hand("fix")
            self.assert_healthy()
            conf = self.vm.inside("/etc/waagent.conf")
            self.assertEqual(conf.read_text(), self.vm.inside("/etc/waagent.conf.dpkg-dist").read_text())
            self.await_report()
            self.undo()
            self.assert_same_machine(before, machine_state(self.vm))

    def test_switched_off(self):
        self.repair_by_hand("agent-disabled-by-file", self.agent_disabled_by_file())
        self.repair_by_hand("agent-library-noexec", self.mounted_noexec(), "--max-disruption", "workload")
        # The last one: the agent that undo starts looks for its next orders in an hour.
        self.repair_by_hand("agent-configuration-values", self.edited_configuration(
            "Extensions.GoalStatePeriod=1", "Extensions.GoalStatePeriod=3600"))


class DamagedExtensionTest(CausesCase):
    """The agent works, and runs the handler; the backup extension or what belongs to it does not."""

    @contextlib.contextmanager
    def mode(self, path, mode):
        file = self.vm.inside(path)
        before = file.stat().st_mode & 0o7777
        file.chmod(mode)
        yield
        file.chmod(before)

    @contextlib.contextmanager
    def log_folder_is_a_file(self):
        folder, aside = self.vm.inside(LOGS), self.vm.inside("/var/aside")
        folder.rename(aside)
        folder.write_text("")
        yield
        shutil.rmtree(folder)  # made by the agent after the repair, and left where it was by undo
        aside.rename(folder)

    def test_settings(self):
        self.repair_through_agent("extensions-disabled", self.edited_configuration(
            "Extensions.Enabled=y", "Extensions.Enabled=n # until Monday"))
        self.repair_through_agent("agent-log-folder", self.log_folder_is_a_file(), left_alone=LOGS)

    def test_files(self):
        self.repair_through_agent("extension-not-executable", self.mode(f"{FOLDER}/main/handle.sh", 0o600))
        self.repair_through_agent("extension-damaged", self.file(f"{FOLDER}/main/settings.py", ""))
        self.repair_through_agent("extension-damaged", self.missing(f"{FOLDER}/main/settings.py"))


class SnapshotTest(CausesCase):
    """Backups fail because of file systems and their configuration."""

    @contextlib.contextmanager
    def scripts_for_others(self):
        with contextlib.ExitStack() as stack:
            for path, content, mode in (
                    ("/etc/azure/VMSnapshotScriptPluginConfig.json", json.dumps({
                        "pluginName": "ScriptRunner", "preScriptLocation": "/etc/azure/pre.sh",
                        "postScriptLocation": "/etc/azure/post.sh", "continueBackupOnFailure": False}), 0o600),
                    ("/etc/azure/pre.sh", "#!/bin/sh\n", 0o755),
                    ("/etc/azure/post.sh", "#!/bin/sh\n", 0o700)):
                stack.enter_context(self.file(path, content, mode))
            yield

    def test_frozen_twice(self):
        self.repair_through_agent("mounts-listed-twice", self.mounted_twice())
        self.repair_through_agent("mounts-to-skip-ineffective", self.mounted_twice(
            "[SnapshotThread]\ntimeout = 90\nMountsToSkip = /mnt/other, /srv/data\n"))
        self.repair_through_agent("freeze-configuration", self.mounted_twice(
            "[SnapshotThread]\nMountsToSkip = /srv/data\n", encoding="utf-16"))

    def test_scripts_and_a_freeze_that_stays(self):
        self.repair_through_agent("script-permissions", self.scripts_for_others())
        self.repair_by_hand("file-system-frozen", self.left_frozen(), "--max-disruption", "workload")


class PlatformTest(CausesCase):
    """The way to the platform, and what only a person can repair."""

    @contextlib.contextmanager
    def firewall(self, rule):
        for command in ("add table inet guard", "add chain inet guard out { type filter hook output priority 0; }",
                        f"add rule inet guard out {rule}"):
            self.vm.run("nft", command)
        yield
        self.vm.run("nft", "delete table inet guard")

    @contextlib.contextmanager
    def full(self, folder, options, fill):
        self.vm.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
        fill(self.vm.inside(folder))
        yield
        self.vm.run("umount", "--lazy", folder)

    @contextlib.contextmanager
    def missing(self, path):
        """Without the agent, which would notice."""
        self.vm.run("systemctl", "stop", "walinuxagent")
        self.vm.run("mv", path, "/var/aside")
        self.vm.run("systemctl", "start", "walinuxagent")
        wait_until(lambda: self.vm.run("systemctl", "is-active", "walinuxagent", check=False) == "failed\n")
        yield
        self.vm.run("mv", "/var/aside", path)
        self.vm.run("systemctl", "start", "walinuxagent")

    def test_network(self):
        # What the agent got from the platform a minute ago is no word against a rule.
        time.sleep(60)
        for verdict in ("drop", "reject"):
            self.repair_by_hand("guest-firewall-blocks-wire-server",
                                self.firewall(f"ip daddr {WIRE_SERVER} tcp dport {{ 80, 32526 }} {verdict}"),
                                "--allow-security-changes")
        if list(pathlib.Path("/sys/devices/virtual/net/eth0").glob("lower_*")):
            for kind in ("unreachable", "blackhole"):
                self.repair_by_hand("wire-server-route-missing", self.vm.route_to_wire_server(kind, WIRE_SERVER))
        with self.cause("wire-server-route-missing", self.vm.wire_server_black_holed()):
            seconds = []
            for _ in range(2):  # a busy computer may delay one of them
                start = time.monotonic()
                report = self.by_hand("diagnose")
                seconds.append(time.monotonic() - start)
                self.assert_root_cause("wire-server-route-missing", report)
                self.assertIn("through hole", json.dumps(report))
            self.assertLess(min(seconds), 3)

    def test_space(self):
        self.name_only("file-system-full", self.full(
            "/var/log", "size=1m", lambda folder: (folder / "big").write_bytes(bytes(1 << 20))), "/var/log")
        self.name_only("file-system-full", self.full(
            LIB, "size=200m,nr_inodes=20", lambda folder: [(folder / str(n)).touch() for n in range(18)]), "inodes")
        self.name_only("agent-python-broken", self.missing("/usr/lib/python3/dist-packages/azurelinuxagent"),
                       "azurelinuxagent")


def _run(*command):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
