"""What the tests under the real guest agent have in common."""

import json
import shlex
import unittest

from fabric import Extension, Fabric
from package import NoPackage, handler_package
from vm import Vm

STATE = "/var/lib/backup-remediation"  # the handler's journals and what it moved out of the way


class GuestAgentCase(unittest.TestCase):
    def setUp(self):
        try:
            self.name, self.version, self.package = handler_package()
        except NoPackage as error:
            self.skipTest(str(error))
        self.fabric = Fabric()
        self.fabric.publish(self.name, self.version, self.package)
        self.fabric.start()
        self.vm = Vm(self.fabric)

    def ask_for(self, *others, **settings):
        """A new goal state: perhaps other extensions, then the handler with settings as in fabric.Extension."""
        settings = {"version": self.version, "public": {"mode": "diagnose"}} | settings
        self.fabric.set_goal_state(*others, Extension(self.name, **settings))

    def result(self, sequence=0, timeout=60, since=0.0):
        """The uploaded report in which the handler's run with this sequence number has ended."""
        return self.fabric.wait_for(
            lambda report: report.sequence(self.name) == sequence
            and report.settings(self.name).get("status") not in (None, "transitioning"), timeout, since)

    def enable(self, *others, sequence=0, **settings):
        self.ask_for(*others, sequence=sequence, **settings)
        return self.result(sequence)

    def assert_status(self, report, expected):
        self.assertEqual(report.settings(self.name)["status"], expected, json.dumps(report.settings(self.name), indent=1))

    def by_hand(self, *arguments, check=True):
        """Runs the installed handler in the VM as a person does; returns its output."""
        folder = self.vm.handler_folder(self.name, self.version)
        manifest = json.loads((folder / "HandlerManifest.json").read_text())
        program = manifest[0]["handlerManifest"]["enableCommand"].removesuffix(" enable")
        command = f"exec {folder_in_vm(self.name, self.version)}/{program} {shlex.join(arguments)}"
        return self.vm.run("sh", "-c", command, check=check)


def folder_in_vm(name, version):
    return f"{Vm.LIB}/{name}-{version}"
