"""The ways in for those who have no extension type: scripts/deploy with Debian's azure-cli, templates, and what the
handlers of Run Command, Custom Script and VM Applications then run in a Linux VM (handlers.py), for real."""

import hashlib
import io
import json
import os
import subprocess
import sys
import unittest
import zipfile

import arm
import azure_cli
import template
from manifest import REPOSITORY, load
from real_handler import PROGRAM, is_root, statuses_of_handler

SECRET = "sig=a-secret-that-nobody-may-see"
RUN = REPOSITORY / "manifest/run"
GALLERY = f"{arm.GROUP}/providers/Microsoft.Compute/galleries/gallery"
APPLICATION = f"{GALLERY}/applications/BackupRemediationLinux/versions/1.0.0"
PROGRAM_FILES = ["/opt/backup-remediation/backup-remediation", "/opt/backup-remediation/package.sha256"]


def package(program):
    """A package of the program alone, with the runners."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("bin/x86_64/backup-remediation", program), ("run.sh", (RUN / "run.sh").read_bytes()),
                              ("run.ps1", (RUN / "run.ps1").read_bytes())):
            archive.writestr(name, content)
    return packed.getvalue()


class Vm:
    """handlers.py in namespaces of its own; the network is shared, because the VM downloads from the test's server."""

    def __init__(self, authority):
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", sys.executable, "-B",
             REPOSITORY / "tests/deploy/handlers.py", PROGRAM, authority], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, "SSL_CERT_FILE": str(authority), "SECRET": SECRET})
        self.last = {}

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def run(self, kind, properties=None):
        self.process.stdin.write(json.dumps({"kind": kind, **({"properties": properties} if properties else {})}) + "\n")
        self.process.stdin.flush()
        self.last = json.loads(self.process.stdout.readline())
        return self.last


class WithVm(azure_cli.AzureCli):
    @classmethod
    def setUpClass(cls):
        if not is_root() or not PROGRAM.exists():
            raise unittest.SkipTest("needs root and the program (scripts/build)")
        super().setUpClass()
        cls.machine = Vm(cls.arm.authority)
        cls.addClassCleanup(cls.machine.close)
        content = package(PROGRAM.read_bytes())
        cls.arm.files["/package.zip"] = content
        cls.uri, cls.sha256 = f"{cls.arm.url}/package.zip?sv=1&sig=key", hashlib.sha256(content).hexdigest()
        cls.arm.run_handler = cls.run_handler

    @classmethod
    def run_handler(cls, kind, properties):
        """As Azure shows what the handlers report."""
        found = cls.machine.run(kind, properties)
        if kind == "run-command":
            return {"executionState": "Succeeded" if found["exitCode"] == 0 else "Failed", **{
                name: found[name] for name in ("exitCode", "output", "error")}}
        return (f"Enable {'succeeded' if found['exitCode'] == 0 else 'failed'}: \n[stdout]\n{found['output']}\n"
                f"[stderr]\n{found['error']}")

    def setUp(self):
        super().setUp()
        self.machine.run("reset")

    def deploy(self, *words, expected=0, **options):
        return super().deploy("--vm-name", "vm1", "--only", "extensions-disabled,agent-not-running", *words,
                              expected=expected, **options)

    def scripted(self, via, *words, **options):
        return self.deploy("--via", via, "--package", self.uri, "--sha256", self.sha256, *words, **options)

    def secret_file(self, text=json.dumps({"supportUpload": f"https://127.0.0.1:1/container?sr=c&{SECRET}"})):
        file = self.folder / "secret.json"
        file.write_text(text)
        file.chmod(0o600)
        return file

    def check_secret_stayed_secret(self, output):
        self.assertIn("support-upload: The support bundle was not sent: cannot connect to 127.0.0.1:1", output)
        self.assertNotIn(SECRET, output)
        self.assertEqual(self.machine.last["secretsSeen"], [])
        self.assertNotIn(SECRET, (self.folder / "command-lines").read_text())


class Scripts(WithVm):
    def test_diagnose_fix_again_and_remove(self):
        for via in ("run-command", "custom-script"):
            with self.subTest(via=via):
                self.machine.run("reset")
                found = self.scripted(via).stdout
                self.assertIn("Action needed: ", found)
                self.assertIn("extensions-disabled", found)
                self.assertIn("Full report: /var/lib/backup-remediation/logs/backup-remediation-report-", found)
                self.assertIn("  guest-agent: broken", found)

                found = self.scripted(via, "--mode", "fix", "--max-disruption", "agent-restart").stdout
                self.assertIn("To take it back: /opt/backup-remediation/backup-remediation undo", found)
                self.assertEqual((self.machine.last["exitCode"], self.machine.last["error"]), (0, ""))
                self.assertLessEqual(set(PROGRAM_FILES), set(self.machine.last["files"]))

                found = self.scripted(via, "--mode", "fix", "--fail-on-unresolved").stdout
                self.assertIn("Nothing to do in this VM", found, "it ran again, and found what it had repaired")

                found = self.scripted(via, "--remove").stdout
                self.assertIn("backup-remediation was removed.", found)
                self.assertIn("The undo journal of 1 run stays in /var/lib/backup-remediation/runs", found)
                left = [name for name in self.machine.last["files"] if not name.startswith("/var/lib/backup-remediation/runs/")]
                self.assertEqual(left, [])
                self.assertEqual([path for path in self.arm.resources if "/extensions/" in path or "/runcommands/" in path], [])

    def test_the_message_is_the_one_of_the_extension(self):
        """Of a run by each way on the same machine, with the paths of each."""
        messages = {}
        for via in ("run-command", "custom-script"):
            self.machine.run("reset")
            self.scripted(via, "--mode", "diagnose")
            messages[via] = self.machine.last["output"].split(" Full report: ")[0]
        self.machine.run("reset")
        [status] = statuses_of_handler([{"mode": "diagnose", "only": ["extensions-disabled", "agent-not-running"]}])
        expected = status["formattedMessage"]["message"].split(" Full report: ")[0]
        self.assertEqual(messages, {"run-command": expected, "custom-script": expected})

    def test_what_is_left_fails_the_script_only_where_that_is_asked_for(self):
        self.scripted("run-command")
        self.assertEqual(self.machine.last["exitCode"], 0)
        result = self.scripted("run-command", "--fail-on-unresolved", expected=1)
        self.assertEqual(self.machine.last["exitCode"], 1)
        self.assertIn("Action needed: ", result.stdout)
        self.assertIn("exit code 1", result.stderr)

    def test_protected_settings_are_nowhere_to_be_seen(self):
        for via in ("run-command", "custom-script"):
            with self.subTest(via=via):
                self.check_secret_stayed_secret(self.scripted(via, "--protected-settings", self.secret_file()).stdout)
                result = self.scripted(via, "--protected-settings", "-", input=self.secret_file().read_text())
                self.check_secret_stayed_secret(result.stdout)
        for resource in self.arm.resources.values():
            shown = {key: value for key, value in resource.get("properties", {}).items()
                     if key not in ("protectedSettings", "protectedParameters")}
            self.assertNotIn(SECRET, json.dumps(shown))

    def test_another_package_than_was_asked_for_does_not_run(self):
        for via in ("run-command", "custom-script"):
            result = self.deploy("--via", via, "--package", self.uri, "--sha256", "0" * 64,
                                 expected=1 if via == "run-command" else 0)
            self.assertIn(f"its SHA-256 is {self.sha256}, not {'0' * 64}", result.stdout)
            self.assertEqual(self.machine.last["exitCode"], 3)
            self.assertEqual(self.machine.last["files"], [])

    def test_a_package_that_is_not_there_is_told_without_its_key(self):
        self.deploy("--via", "run-command", "--package", f"{self.arm.url}/no.zip?sig=key", "--sha256", self.sha256, expected=1)
        self.assertEqual(self.machine.last["exitCode"], 3)
        self.assertIn(f"the package could not be downloaded from {self.arm.url}/no.zip\n", self.machine.last["error"])

    def test_settings_that_are_wrong_are_told(self):
        result = self.scripted("run-command", "--exclude", "no-such-cause", expected=1)
        self.assertEqual(self.machine.last["exitCode"], 4)
        self.assertIn('publicSettings.exclude[0]: "no-such-cause" is no remediation', result.stdout)

    def test_on_windows_the_command_downloads_verifies_and_runs(self):
        """What a Windows VM gets; run.ps1 itself is tried by dotnet_test.py."""
        self.arm.run_handler = lambda kind, properties: {"exitCode": 0, "output": "Nothing to do in this VM.", "error": ""} \
            if kind == "run-command" else "Command execution finished"
        self.addCleanup(setattr, self.arm, "run_handler", self.run_handler)
        address = self.secret_file(f"https://storage.example/settings.json?{SECRET}\n")
        words = ["--resource-group", "group", "--vm-name", "vm2", "--package", self.uri, "--sha256", self.sha256, "--mode", "fix"]
        self.run_command(self.vm, [azure_cli.DEPLOY, *words, "--via", "custom-script", "--protected-settings", address])
        [script] = [body["properties"] for body in self.arm.bodies("PUT", "/extensions/CustomScriptExtension")] or [
            self.only_extension("vm2")["properties"]]
        secret = script["protectedSettings"]
        self.assertEqual(secret["fileUris"], [self.uri, f"https://storage.example/settings.json?{SECRET}"])
        self.assertNotIn(SECRET, secret["commandToExecute"], "it would stand on a command line in the VM")
        self.assertIn("-ProtectedSettingsFile 'settings.json'", secret["commandToExecute"])
        self.assertLess(len(secret["commandToExecute"]), 8191, "of cmd.exe")
        self.assertEqual(script["settings"], {})

        result = self.run_command(self.vm, [azure_cli.DEPLOY, *words, "--via", "run-command"])
        self.assertEqual(result.stdout, "Nothing to do in this VM.\n")
        result = self.run_command(self.vm, [azure_cli.DEPLOY, *words, "--via", "run-command", "--protected-settings", address],
                                  expected=2)
        self.assertIn("--via custom-script", result.stderr)

    def test_wrong_words_are_refused_by_name(self):
        for words, named in ((["--via", "ssh"], "run-command custom-script"), (["--via", "run-command"], "--package"),
                             (["--package", "http://a/b.zip"], "https"), (["--package", "https://a/'b.zip"], "https"),
                             (["--sha256", "abc"], "64"), (["--application-version", "1.0.0"], "galleries"),
                             (["--via", "vm-application"], "--application-version"),
                             (["--print-command", "Linux"], "--package"),
                             (["--via", "vm-application", "--application-version", APPLICATION], "settings of a VM Application")):
            self.assertIn(named, self.deploy(*words, expected=2).stderr)
        self.assertEqual((self.folder / "command-lines").read_text(), "")


class Pasted(WithVm):
    def test_the_line_for_linux_runs_as_run_command_runs_it(self):
        words = ["--print-command", "Linux", "--package", self.uri, "--sha256", self.sha256]
        line = self.deploy(*words).stdout
        self.assertEqual(line.count("\n"), 1)
        found = self.machine.run("run-command", self.as_pasted(line))
        self.assertEqual((found["exitCode"], found["error"]), (0, ""))
        self.assertIn("Action needed: ", found["output"])
        self.machine.run("run-command", self.as_pasted(self.deploy(*words, "--remove").stdout))
        self.assertEqual(self.machine.last["exitCode"], 0, self.machine.last)
        self.assertEqual(self.machine.last["files"], [])

        line = line.replace(self.sha256, "0" * 64)
        self.assertNotEqual(self.machine.run("run-command", self.as_pasted(line))["exitCode"], 0)
        self.assertNotIn("Action needed", self.machine.last["output"])

    def test_the_line_for_windows_leaves_the_window_open_into_which_it_is_pasted(self):
        line = self.deploy("--print-command", "Windows", "--package", self.uri, "--sha256", self.sha256).stdout
        self.assertEqual(line.count("\n"), 1)
        self.assertIn(" -Action apply -Settings ", line)
        self.assertNotRegex(line, r"\bexit\b")

    def test_the_line_for_linux_needs_no_curl(self):
        """Debian's smallest system has neither curl nor wget; who installs one of them can go on."""
        line = self.deploy("--print-command", "Linux", "--package", self.uri, "--sha256", self.sha256).stdout
        for tool in ("curl", "wget"):
            folder = self.folder / f"with-{tool}"
            folder.mkdir()
            (folder / tool).write_text(f"#!/bin/sh\nfor word; do echo {tool} \"$word\"; done >{folder}/given\n")
            (folder / tool).chmod(0o755)
            start, rest = line.split(" && { ", 1)
            self.assertIn("mkdir -p /opt/backup-remediation", start)
            subprocess.run(["/bin/sh", "-c", "{ " + rest.split("; } && ")[0] + "; }"], env={"PATH": str(folder)}, timeout=60)
            self.assertIn(f"{tool} {self.uri}\n", (folder / "given").read_text())

    def test_secrets_are_not_pasted(self):
        result = self.deploy("--print-command", "Linux", "--package", self.uri, "--sha256", self.sha256,
                             "--protected-settings", self.secret_file(), expected=2)
        self.assertIn("--protected-settings", result.stderr)

    @staticmethod
    def as_pasted(line):
        return {"source": {"script": line}, "parameters": [], "protectedParameters": [], "timeoutInSeconds": 5400}


class VmApplication(WithVm):
    def define(self, settings):
        file = self.folder / "application.json"
        file.write_text(json.dumps({name: {"value": value} for name, value in {
            "galleryName": "gallery", "osType": "Linux", "version": "1.0.0", "packageUri": self.uri,
            "packageSha256": self.sha256, "settings": settings}.items()}))
        self.run_az(self.latest, "deployment", "group", "create", "--resource-group", "group", "--template-file",
                    REPOSITORY / "manifest/arm/vm-application.json", "--parameters", f"@{file}", "--output", "none")

    def test_install_again_and_remove(self):
        self.define({"mode": "fix", "maxDisruption": "agent-restart", "only": ["extensions-disabled"]})
        other = f"{GALLERY}/applications/Other/versions/2.0.0"
        vm = self.arm.resources[f"{arm.COMPUTE}/virtualMachines/vm1".lower()]
        vm["properties"]["applicationProfile"] = {"galleryApplications": [{"packageReferenceId": other, "order": 7}]}
        words = ["--resource-group", "group", "--vm-name", "vm1", "--via", "vm-application", "--application-version", APPLICATION]
        for expected in ("To take it back: ", "Nothing to do in this VM"):
            self.run_command(self.vm, [azure_cli.DEPLOY, *words])
            self.assertEqual((self.machine.last["exitCode"], self.machine.last["error"]), (0, ""))
            self.assertIn(expected, self.machine.last["output"])
            self.assertEqual(vm["properties"]["applicationProfile"]["galleryApplications"], [
                {"packageReferenceId": other, "order": 7},
                {"packageReferenceId": APPLICATION, "treatFailureAsDeploymentFailure": False}])
        self.run_command(self.vm, [azure_cli.DEPLOY, *words, "--remove"])
        self.assertIn("backup-remediation was removed.", self.machine.last["output"])
        self.assertEqual([name for name in self.machine.last["files"] if "/opt/" in name], [])
        self.assertEqual(vm["properties"]["applicationProfile"]["galleryApplications"], [{"packageReferenceId": other, "order": 7}])

    def test_commands_are_short_enough(self):
        for system in ("Linux", "Windows"):
            version = template.resources(load("arm/vm-application.json"), {
                "galleryName": "g", "osType": system, "version": "1.0.0", "packageUri": self.uri,
                "packageSha256": self.sha256, "settings": {"mode": "fix", "only": ["file-system-full"] * 20}})[1]
            for command in version["properties"]["publishingProfile"]["manageActions"].values():
                self.assertLessEqual(len(command), 4096, "of an action")


if __name__ == "__main__":
    unittest.main()
