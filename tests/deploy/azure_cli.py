"""Debian's azure-cli, signed in to a small Resource Manager (arm.py) on the loopback interface."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import arm
from manifest import REPOSITORY, check_extension

DEPLOY = REPOSITORY / "scripts/deploy"
# Debian's azure-cli asks for a version of the compute interface that Debian's SDK does not have; this profile of it
# does not.
VM_PROFILE = "2020-09-01-hybrid"


class AzureCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("az"):
            raise unittest.SkipTest("az is not installed (scripts/bootstrap --azure-cli)")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.arm = arm.Arm(cls.folder, check_extension)
        cls.addClassCleanup(cls.arm.close)
        (cls.folder / "tmp").mkdir()
        # Writes down every command line of az that anybody on the computer could see.
        (cls.folder / "bin").mkdir()
        wrapper = cls.folder / "bin/az"
        wrapper.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{cls.folder}/command-lines\nexec {shutil.which("az")} "$@"\n')
        wrapper.chmod(0o755)
        cls.environment = {"PATH": f"{cls.folder}/bin:{os.environ['PATH']}", "HOME": str(cls.folder),
                           "TMPDIR": str(cls.folder / "tmp"), "REQUESTS_CA_BUNDLE": str(cls.arm.authority),
                           "SSL_CERT_FILE": str(cls.arm.authority), "AZURE_CORE_COLLECT_TELEMETRY": "no",
                           "AZURE_CORE_NO_COLOR": "yes", "LC_ALL": "C.UTF-8"}
        cls.latest, cls.vm = cls.folder / "latest", cls.folder / "vm"
        cls.run_az(cls.latest, "cloud", "register", "--name", "Test", "--endpoint-resource-manager", cls.arm.url,
                   "--endpoint-management", cls.arm.url, "--endpoint-active-directory", f"{cls.arm.url}/adfs",
                   "--endpoint-active-directory-resource-id", cls.arm.url,
                   "--endpoint-active-directory-graph-resource-id", cls.arm.url)
        cls.run_az(cls.latest, "cloud", "set", "--name", "Test")
        cls.run_az(cls.latest, "login", "--service-principal", "--username", "app", "--password", "x", "--tenant", arm.TENANT)
        shutil.copytree(cls.latest, cls.vm)
        with (cls.vm / "clouds.config").open("a") as configuration:
            configuration.write(f"profile = {VM_PROFILE}\n")

    @classmethod
    def run_az(cls, configuration, *words):
        return cls.run_command(configuration, ["az", *words]).stdout

    @classmethod
    def run_command(cls, configuration, command, expected=0, **options):
        result = subprocess.run(command, env={**cls.environment, "AZURE_CONFIG_DIR": str(configuration)},
                                capture_output=True, text=True, timeout=300, **options)
        if result.returncode != expected:
            raise AssertionError(f"{command}: exit code {result.returncode}\n{result.stdout}{result.stderr[-3000:]}")
        return result

    def setUp(self):
        self.arm.requests.clear()
        self.arm.resources.clear()
        self.arm.statuses.clear()
        (self.folder / "command-lines").write_text("")
        self.arm.add_vm("vm1", "Linux")
        self.arm.add_vm("vm2", "Windows")

    def deploy(self, *words, expected=0, **options):
        return self.run_command(self.vm, [DEPLOY, "--resource-group", "group", *words], expected, **options)

    def only_extension(self, vm):
        [extension] = self.arm.extensions_of(f"{arm.COMPUTE}/virtualMachines/{vm}")
        return extension
