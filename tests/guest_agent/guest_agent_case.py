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
        settings = report.settings(self.name)
        self.assertEqual(settings["status"], expected, json.dumps(settings, indent=1))

    def by_hand(self, *arguments, check=True):
        return self.vm.run(*command_by_hand(self.vm, self.name, self.version, *arguments), check=check)


def command_by_hand(vm, name, version, *arguments):
    """How a person runs the installed handler in the VM: by the agent's own rule for where the program is."""
    manifest = json.loads((vm.handler_folder(name, version) / "HandlerManifest.json").read_text())
    program = manifest[0]["handlerManifest"]["enableCommand"].removesuffix(" enable")
    return "sh", "-c", f"exec {vm.LIB}/{name}-{version}/{program} {shlex.join(arguments)}"
