"""What deploys the program meets its own tools: Bicep's compiler and linter, and PowerShell. Both come as packages of .NET
(tests/deploy/dotnet), which scripts/bootstrap builds where there is a .NET SDK and its registry."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile

import template
from manifest import MANIFEST, NEEDED, REPOSITORY, TYPES, check_extension, load
from real_handler import PROGRAM, is_root

BUILT = REPOSITORY / "build/dotnet"
needs_dotnet = unittest.skipUnless((BUILT / "complete").exists(),
                                   "needs a .NET SDK and its packages (scripts/bootstrap builds what is in tests/deploy/dotnet)")


def without_generator(template):
    template.get("metadata", {}).pop("_generator", None)
    return template


@needs_dotnet
class BicepCompiler(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def bicep(self, *words):
        """What it prints on standard error, warnings among it."""
        result = subprocess.run([BUILT / "bin/bicep", *words], capture_output=True, text=True, timeout=120,
                                env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "BICEP_TRACING_ENABLED": "false"})
        if result.returncode != 0:
            raise AssertionError(f"bicep {words[0]}: {result.stdout}{result.stderr}")
        return result.stderr

    def compiled(self, source, expected=None):
        """`expected`: a pattern of the warnings that may come."""
        target = self.folder / f"{source.stem}-compiled.json"
        warnings = [line for line in self.bicep("build", source, "--outfile", target).splitlines()
                    if not expected or not re.search(expected, line)]
        self.assertEqual(warnings, [], source.name)
        return without_generator(json.loads(target.read_text()))

    def test_compiles_without_a_warning_to_its_twin(self):
        sources = sorted(MANIFEST.glob("arm/*.bicep"))
        self.assertEqual({source.stem for source in sources}, {path.stem for path in MANIFEST.glob("arm/*.json")})
        for source in sources:
            with self.subTest(source.name):
                self.assertEqual(self.compiled(source), json.loads(source.with_suffix(".json").read_text()))

    def test_the_linter_finds_nothing(self):
        for source in MANIFEST.glob("arm/*.bicep"):
            self.assertEqual(self.bicep("lint", source), "", source.name)

    def test_an_error_is_found(self):
        wrong = self.folder / "wrong.bicep"
        wrong.write_text((MANIFEST / "arm/vm.bicep").read_text().replace("autoUpgradeMinorVersion: true",
                                                                         "autoUpgradeMinorVersion: 'yes'"))
        with self.assertRaisesRegex(AssertionError, "autoUpgradeMinorVersion|BCP036"):
            self.assertEqual(self.bicep("build", wrong, "--outfile", self.folder / "wrong.json"), "")

    def test_templates_without_a_twin_decompile_and_compile_to_the_same(self):
        """Without a warning, too: their types and properties are the published ones."""
        for name, given in {"arm/vm": NEEDED["vm"], "workbook/deploy": {"workspaceName": "w", "workbook": {}},
                            "registration/publish": {"osType": "Linux", "regions": ["here"], "packageUri": "https://x/y.zip"}}.items():
            with self.subTest(name):
                copy = self.folder / f"{pathlib.Path(name).name}.json"
                shutil.copy(MANIFEST / f"{name}.json", copy)
                self.bicep("decompile", copy, "--force")  # it warns that this is a best effort
                # Of style, what only Bicep can say better; and of a publisher's resources no types are published.
                again = self.compiled(copy.with_suffix(".bicep"), expected='Warning use-|BCP081: .*"Microsoft.Compute/sharedVMExtensions')
                self.assertEqual(self.deployed(again, given),
                                 self.deployed(json.loads(copy.read_text()), given))

    @staticmethod
    def deployed(document, given):
        """The resources by name; the order that dependsOn asks for Bicep concludes from what they refer to."""
        return {resource["name"]: {key: value for key, value in resource.items() if key != "dependsOn"}
                for resource in template.resources(document, given)}


@needs_dotnet
class PowerShell(unittest.TestCase):
    """scripts/Deploy-BackupRemediation.ps1, run by PowerShell. dotnet/Az.psm1 stands in for the modules of Azure."""

    APPLICATION = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/gallery/applications/ours/versions/1.0.0"
    OTHER = APPLICATION.replace("/ours/", "/other/")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def deploy(self, system="Linux", applications=(), script_ends_with=0, **parameters):
        calls = self.folder / "calls"
        calls.write_text("")
        result = subprocess.run(
            [BUILT / "bin/tools", REPOSITORY / "scripts/Deploy-BackupRemediation.ps1", BUILT / "source/Az.psm1"],
            input=json.dumps({"ResourceGroupName": "group", "VMName": "vm1", **parameters}), capture_output=True, text=True,
            timeout=120, env={**os.environ, "AZ_CALLS": str(calls), "AZ_EXIT_CODE": str(script_ends_with), "AZ_VM": json.dumps(
                {"name": "vm1", "system": system, "applications": list(applications)})})
        return result, [json.loads(line) for line in calls.read_text().splitlines()]

    def ok(self, *arguments, **parameters):
        result, calls = self.deploy(*arguments, **parameters)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout, calls

    def refused(self, named, **parameters):
        result, calls = self.deploy(**parameters)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(named, result.stderr)
        return calls

    def secret(self, text):
        file = self.folder / "secret.json"
        file.write_text(text)
        return str(file)

    def test_extension(self):
        output, calls = self.ok(Mode="fix", MaxDisruption="none", ErrorCode="A_b.1", Only=["agent-hung", "file-system-full"],
                                Rehearsal=True, FailOnUnresolved=True, ProtectedSettingsPath=self.secret('{"supportUpload": "u"}'))
        self.assertEqual(output, "Nothing to do in this VM.\n")
        given = calls[1]["parameters"]
        self.assertEqual([call["cmdlet"] for call in calls], ["Get-AzVM", "Set-AzVMExtension", "Get-AzVMExtension"])
        self.assertEqual(json.loads(given["SettingString"]), {
            "mode": "fix", "maxDisruption": "none", "errorCode": "A_b.1", "only": ["agent-hung", "file-system-full"],
            "rehearsal": True, "failOnUnresolved": True})
        check_extension({"publisher": given["Publisher"], "type": given["ExtensionType"], "typeHandlerVersion": given["TypeHandlerVersion"],
                         "settings": json.loads(given["SettingString"]), "protectedSettings": {}})
        self.assertEqual(given["ProtectedSettingString"], '{"supportUpload": "u"}')
        again = self.ok(system="Windows", Exclude=["agent-hung"])[1][1]["parameters"]
        self.assertEqual(again["ExtensionType"], TYPES["Windows"])
        self.assertEqual(json.loads(again["SettingString"])["exclude"], ["agent-hung"], "one id is a list too")
        self.assertNotEqual(again["ForceRerun"], given["ForceRerun"])
        self.assertEqual(self.ok(Remove=True)[1][1]["cmdlet"], "Remove-AzVMExtension")

    def test_templates_get_what_they_take(self):
        ways = {"run-command": "Get-AzVMRunCommand", "custom-script": "Get-AzVMExtension"}
        for via, shown in ways.items():
            for system in TYPES:
                output, calls = self.ok(system=system, Via=via, Package="https://x/y.zip", Sha256="a" * 64, Mode="fix")
                self.assertEqual(output, "Nothing to do in this VM.\n")
                self.assertEqual([call["cmdlet"] for call in calls], ["Get-AzVM", "New-AzResourceGroupDeployment", shown])
                given = calls[1]["parameters"]
                self.assertTrue(given["TemplateFile"].endswith(f"manifest/arm/{via}.json"))
                [resource] = template.resources(load(f"arm/{via}.json"), given["TemplateParameterObject"])
                self.assertIn("/", resource["name"])

    def test_protected_settings_reach_the_template_and_nothing_else(self):
        common = {"Package": "https://x/y.zip", "Sha256": "a" * 64}
        for via in ("run-command", "custom-script"):
            output, calls = self.ok(Via=via, ProtectedSettingsPath=self.secret('{"supportUpload": "https://s"}'), **common)
            self.assertEqual(calls[1]["parameters"]["TemplateParameterObject"]["protectedSettings"], {"supportUpload": "https://s"})
            self.assertNotIn("https://s", output)
        calls = self.ok(system="Windows", Via="custom-script", ProtectedSettingsPath=self.secret("https://s/settings.json?k\n"), **common)[1]
        self.assertEqual(calls[1]["parameters"]["TemplateParameterObject"]["protectedSettingsUri"], "https://s/settings.json?k")
        self.refused("https URL", system="Windows", Via="custom-script", ProtectedSettingsPath=self.secret("{}"), **common)
        calls = self.refused("custom-script", system="Windows", Via="run-command", ProtectedSettingsPath=self.secret("{}"), **common)
        self.assertEqual([call["cmdlet"] for call in calls], ["Get-AzVM"])

    def test_a_script_that_fails_is_an_error(self):
        result, _ = self.deploy(script_ends_with=3, Via="run-command", Package="https://x/y.zip", Sha256="a" * 64)
        self.assertEqual(result.returncode, 1)
        self.assertIn("exit code 3. its error", result.stderr)
        self.assertEqual(self.ok(Via="run-command", Package="https://x/y.zip", Sha256="a" * 64, Remove=True)[1][3]["cmdlet"],
                         "Remove-AzVMRunCommand")

    def test_application_is_put_beside_the_others_and_runs_again(self):
        asked = {"Via": "vm-application", "ApplicationVersion": self.APPLICATION}
        for there, updates in (([self.OTHER], [[self.OTHER, self.APPLICATION]]),
                               ([self.OTHER, self.APPLICATION.replace("1.0.0", "0.9.0")], [[self.OTHER], [self.OTHER, self.APPLICATION]])):
            output, calls = self.ok(applications=there, **asked)
            self.assertIn("/var/lib/backup-remediation/logs", output)
            self.assertEqual([call["parameters"]["VM"] for call in calls if call["cmdlet"] == "Update-AzVM"], updates)
        calls = self.ok(applications=[self.OTHER, self.APPLICATION], Remove=True, **asked)[1]
        self.assertEqual([call["parameters"]["VM"] for call in calls if call["cmdlet"] == "Update-AzVM"], [[self.OTHER]])
        self.refused("Mode", Mode="fix", **asked)
        self.refused("-ApplicationVersion", Via="vm-application")

    def test_wrong_words_are_refused_before_anything_is_asked(self):
        for named, wrong in (("Mode", {"Mode": "repair"}), ("MaxDisruption", {"MaxDisruption": "all"}), ("Only", {"Only": ['a"b']}),
                             ("ErrorCode", {"ErrorCode": "a b"}), ("ProtectedSettingsPath", {"ProtectedSettingsPath": "/nonexistent"}),
                             ("Via", {"Via": "ssh"}), ("-Package", {"Via": "run-command"}), ("Sha256", {"Sha256": "abc"}),
                             ("Package", {"Package": "http://x"}), ("Mood", {"Mood": "fix"})):
            self.assertEqual(self.refused(named, **wrong), [])
        self.assertEqual(len(self.refused("vm9", VMName="vm9")), 1)


@needs_dotnet
@unittest.skipUnless(PROGRAM.exists(), "needs the program (scripts/build)")
class Completion(unittest.TestCase):
    """What 'backup-remediation completion powershell' prints, asked by PowerShell for what follows a line."""

    def completed(self, *lines):
        script = """param($Program, $Lines)
            Invoke-Expression (& $Program completion powershell | Out-String)
            foreach ($line in $Lines) {
                [Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches.CompletionText -join ' '
            }
        """
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "complete.ps1"
            file.write_text(script)
            result = subprocess.run([BUILT / "bin/tools", file, BUILT / "source/Az.psm1"], capture_output=True, text=True, timeout=120,
                                    input=json.dumps({"Program": str(PROGRAM), "Lines": lines}))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return [line.split() for line in result.stdout.splitlines()]

    def test_completes(self):
        command, levels, options, ids = self.completed("backup-remediation dia", "backup-remediation fix --max-disruption ",
                                                       "backup-remediation fix --dry", "backup-remediation diagnose --only agent-not")
        self.assertEqual(command, ["diagnose"])
        self.assertEqual(levels, ["none", "agent-restart", "service-restart", "workload"])
        self.assertEqual(options, ["--dry-run"])
        self.assertIn("agent-not-running", ids)


@needs_dotnet
@unittest.skipUnless(is_root() and PROGRAM.exists(), "needs root and the program (scripts/build)")
class Runner(unittest.TestCase):
    """manifest/run/run.ps1, run by PowerShell on Linux: the program for Linux stands in for the one for Windows, and a
    line of its own for the question whether it is run by an administrator."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        text = (MANIFEST / "run/run.ps1").read_text()
        asked = "([Security.Principal.WindowsPrincipal] [Security.Principal.WindowsIdentity]::GetCurrent()).IsInRole($administrator)"
        self.assertEqual(text.count(asked), 1)
        self.script = self.folder / "run.ps1"
        self.script.write_text(text.replace(asked, "($env:USER_IS_ADMINISTRATOR -eq 'yes')"))
        self.package = self.folder / "package.zip"
        with zipfile.ZipFile(self.package, "w", zipfile.ZIP_DEFLATED) as archive:
            program = zipfile.ZipInfo("bin/backup-remediation.exe")
            program.external_attr = 0o100755 << 16
            archive.writestr(program, PROGRAM.read_bytes(), zipfile.ZIP_DEFLATED)
        self.sha256 = hashlib.sha256(self.package.read_bytes()).hexdigest()

    def run_script(self, administrator="yes", state="state", **parameters):
        (self.folder / state).mkdir(exist_ok=True)
        inside = f"mount --bind {self.folder / state} /var/lib && exec {BUILT / 'bin/tools'} {self.script} {BUILT / 'source/Az.psm1'}"
        return subprocess.run(["unshare", "--mount", "--net", "sh", "-c", inside], input=json.dumps(parameters), capture_output=True,
                              text=True, timeout=120, env={**os.environ, "ProgramFiles": str(self.folder), "ProgramW6432": "",
                                                           "USER_IS_ADMINISTRATOR": administrator})

    def applied(self, settings=None, **parameters):
        encoded = base64.b64encode(json.dumps({"only": ["file-system-full"], **(settings or {})}).encode()).decode()
        return self.run_script(**{"PackageUri": str(self.package), "PackageSha256": self.sha256, "Settings": encoded, **parameters})

    def test_runs_again_and_is_removed(self):
        for _ in range(2):
            result = self.applied()
            self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
            self.assertIn("Nothing to do in this VM", result.stdout)
        self.assertEqual(sorted(path.name for path in (self.folder / "BackupRemediation").iterdir()),
                         ["backup-remediation.exe", "package.sha256"])
        result = self.run_script(Action="remove")
        self.assertEqual((result.returncode, result.stdout), (0, "backup-remediation was removed.\n"))
        self.assertFalse((self.folder / "BackupRemediation").exists())
        self.assertEqual(list((self.folder / "state").iterdir()), [])

    def test_what_is_wrong_is_told(self):
        for code, named, parameters in ((3, "its SHA-256 is", {"PackageSha256": "0" * 64}), (3, "64", {"PackageSha256": "x"}),
                                        (3, "https://", {"PackageUri": "http://x/y"}), (3, "nonexistent", {"PackageUri": "/nonexistent"}),
                                        (4, "base64", {"Settings": "%"}), (3, "apply or remove", {"Action": "start"}),
                                        (3, "administrator", {"administrator": "no"})):
            result = self.applied(**parameters)
            self.assertEqual(result.returncode, code, f"{parameters}: {result.stdout}{result.stderr}")
            self.assertIn(named, result.stderr)
        result = self.applied({"mode": "repair"})
        self.assertEqual(result.returncode, 4)
        self.assertIn('publicSettings.mode: "repair" is no mode', result.stdout)

    def test_protected_settings_of_a_file_are_read_and_deleted(self):
        file = self.folder / "protected.json"
        file.write_text('{"mode": "s3cret"}')
        result = self.applied(ProtectedSettingsFile=str(file))
        self.assertEqual(result.returncode, 4)
        self.assertIn("protectedSettings.mode: the value is no mode", result.stdout)
        self.assertNotIn("s3cret", result.stdout + result.stderr)
        self.assertFalse(file.exists())

    def test_the_line_that_starts_it_takes_it_out_of_the_package(self):
        with zipfile.ZipFile(self.package, "a") as archive:
            archive.write(self.script, "run.ps1")
        self.sha256 = hashlib.sha256(self.package.read_bytes()).hexdigest()
        line = (MANIFEST / "run/start-windows.txt").read_text()
        arguments = "-Settings " + base64.b64encode(b'{"only": ["file-system-full"]}').decode()
        for sha256, code in ((self.sha256, 0), ("0" * 64, 1)):
            self.script.write_text(f"Set-Location {self.folder}\n" + line.replace("PACKAGE", "package.zip").replace(
                "SHA256", sha256).replace("ARGUMENTS", arguments))
            result = self.run_script()
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn("Nothing to do" if code == 0 else "not the one that was asked for", result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
