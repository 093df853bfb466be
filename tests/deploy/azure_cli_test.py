"""The scripts and commands for administrators, with Debian's azure-cli as the real client of a small Resource Manager
(arm.py) on the loopback interface."""

import json
import re
import unittest

import arm
import azure_cli
from manifest import MANIFEST, PUBLISHER, REPOSITORY, TYPES

POLICY = REPOSITORY / "scripts/policy"
SECRET = "a-secret-that-nobody-may-see"
SUBSCRIPTION = f"/subscriptions/{arm.SUBSCRIPTION}"


class DeployScript(azure_cli.AzureCli):
    def test_linux(self):
        result = self.deploy("--vm-name", "vm1", "--mode", "fix", "--max-disruption", "none", "--error-code", "A_b.1",
                             "--only", "file-system-full,agent-hung", "--rehearsal", "--fail-on-unresolved")
        self.assertEqual(result.stdout, "Nothing to do in this VM.\n")
        extension = self.only_extension("vm1")
        self.assertEqual(extension["name"], TYPES["Linux"])
        self.assertEqual(extension["properties"]["publisher"], PUBLISHER)
        self.assertTrue(extension["properties"]["autoUpgradeMinorVersion"])
        self.assertEqual(extension["properties"]["settings"], {
            "mode": "fix", "maxDisruption": "none", "errorCode": "A_b.1", "only": ["file-system-full", "agent-hung"],
            "rehearsal": True, "failOnUnresolved": True})

    def test_windows_and_again(self):
        for _ in range(2):
            self.deploy("--vm-name", "vm2", "--exclude", "reboot-pending", "--subscription", arm.SUBSCRIPTION)
        self.assertEqual(self.only_extension("vm2")["properties"]["settings"],
                         {"mode": "diagnose", "exclude": ["reboot-pending"]})
        tags = [body["properties"]["forceUpdateTag"] for body in self.arm.bodies("PUT", "/extensions/")]
        self.assertEqual(len(set(tags)), 2, "the second time, Azure has to see something new")

    def test_protected_settings_stand_on_no_command_line(self):
        secret = self.folder / "secret.json"
        secret.write_text(json.dumps({"errorCode": SECRET}))
        secret.chmod(0o600)
        for words, options in ((["--protected-settings", secret], {}),
                               (["--protected-settings", "-"], {"input": secret.read_text()})):
            result = self.deploy("--vm-name", "vm1", *words, **options)
            self.assertEqual(self.only_extension("vm1")["properties"]["protectedSettings"], {"errorCode": SECRET})
            self.assertNotIn(SECRET, result.stdout + result.stderr)
        self.assertNotIn(SECRET, (self.folder / "command-lines").read_text())
        self.assertEqual(list((self.folder / "tmp").glob("tmp.*")), [])
        kept = [path for path in self.vm.rglob("*") if path.is_file() and SECRET in path.read_text(errors="replace")]
        self.assertEqual(kept, [], "az keeps it")

    def test_protected_settings_that_others_can_read_are_refused(self):
        secret = self.folder / "open.json"
        secret.write_text("{}")
        secret.chmod(0o640)
        result = self.deploy("--vm-name", "vm1", "--protected-settings", secret, expected=2)
        self.assertIn("chmod 600", result.stderr)

    def test_wrong_words_are_refused_by_name_before_anything_is_asked(self):
        for words, named in ((["--mode", "repair"], "diagnose fix"), (["--max-disruption", "all"], "workload"),
                             (["--only", 'a"b'], 'a"b'), (["--error-code", "a b"], "a b"), (["--mood", "fix"], "--mood"),
                             (["--mode"], "--mode"), (["--exclude", "a,,b"], "a,,b"),
                             (["--protected-settings", "/nonexistent"], "/nonexistent")):
            result = self.deploy("--vm-name", "vm1", *words, expected=2)
            self.assertIn(named, result.stderr)
        self.assertIn("--vm-name", self.deploy(expected=2).stderr)
        self.assertEqual((self.folder / "command-lines").read_text(), "")

    def test_a_refusal_of_azure_is_told(self):
        result = self.deploy("--vm-name", "vm1", "--only", "no-such-cause", expected=1)
        self.assertIn("no-such-cause", result.stderr)
        self.assertEqual(self.deploy("--vm-name", "vm9", expected=3).stdout, "")


class PolicyScript(azure_cli.AzureCli):
    def policy(self, *words, expected=0):
        return self.run_command(self.latest, [POLICY, *words], expected)

    def test_define_assign_remediate(self):
        scope = "/providers/Microsoft.Management/managementGroups/fleet"
        self.policy("define", scope)
        self.policy("define", scope)
        names = [path.split("/")[-1] for path in self.arm.resources if "authorization" in path]
        self.assertEqual(names, ["backup-remediation-linux", "backup-remediation-windows", "backup-remediation-linux-application",
                                 "backup-remediation-windows-application", "backup-remediation-identity",
                                 "backup-remediation-repair", "backup-remediation-diagnose"])

        parameters = self.folder / "parameters.json"
        parameters.write_text('{"maxDisruption": {"value": "none"}, "inclusionTagName": {"value": "backup"}, '
                              '"inclusionTagValues": {"value": ["gold"]}}')
        for _ in range(2):
            self.policy("assign", scope, "--initiative", "repair", "--location", "westeurope", "--parameters", parameters)
        assignment = self.arm.bodies("PUT", "/policyAssignments/")[-1]
        self.assertEqual(assignment["identity"]["type"], "SystemAssigned")
        self.assertEqual(assignment["properties"]["parameters"]["maxDisruption"], {"value": "none"})
        self.assertTrue(assignment["properties"]["policyDefinitionId"].endswith("/backup-remediation-repair"))
        role = self.arm.bodies("PUT", "/roleAssignments/")[0]
        self.assertEqual(role["properties"]["roleDefinitionId"], arm.ROLE)

        self.policy("remediate", scope, "--initiative", "repair", "--parallel", "30", "--stop-after", "5")
        tasks = self.arm.bodies("PUT", "/remediations/")
        self.assertEqual([task["properties"]["policyDefinitionReferenceId"] for task in tasks], ["linux", "windows"])
        for task in tasks:
            self.assertEqual((task["properties"]["parallelDeployments"], task["properties"]["resourceCount"],
                              task["properties"]["failureThreshold"]), (30, 50000, {"percentage": 0.05}))
        self.policy("remediate", scope, "--initiative", "repair", "--via", "vm-application")
        self.assertEqual([task["properties"]["policyDefinitionReferenceId"] for task in self.arm.bodies("PUT", "/remediations/")[2:]],
                         ["linux-application", "windows-application"])

    def test_the_identity_of_the_vms(self):
        identity = f"{arm.GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/looker"
        holder = "55555555-5555-5555-5555-555555555555"
        parameters = self.folder / "parameters.json"
        parameters.write_text(json.dumps({"azure": {"value": "read"}, "identityId": {"value": identity}}, indent=2))
        words = ["assign", SUBSCRIPTION, "--initiative", "diagnose", "--location", "westeurope", "--parameters", parameters]
        self.policy("define", SUBSCRIPTION)
        self.arm.resources[identity.lower()] = {"id": identity, "properties": {"principalId": holder}}
        self.assertIn("roles.json", self.policy(*words, expected=2).stderr)
        self.assertEqual(self.arm.bodies("PUT", "/policyAssignments/"), [], "nothing is half assigned")
        self.arm.roles["Backup Remediation: look"] = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/look"
        for _ in range(2):
            self.policy(*words)
        given = [(path.rsplit("/providers/Microsoft.Authorization/", 1)[0], body["properties"]["roleDefinitionId"].rsplit("/", 1)[1],
                  body["properties"]["principalId"]) for method, path, _, body in self.arm.requests
                 if method == "PUT" and "/roleAssignments/" in path]
        assignment = "33333333-3333-3333-3333-333333333333"
        self.assertEqual(given, 2 * [(SUBSCRIPTION, arm.ROLE.rsplit("/", 1)[1], assignment),
                                     (identity, "f1a07417-d97a-45cb-824c-7a7467783830", assignment),
                                     (SUBSCRIPTION, "look", holder)])
        self.policy("remediate", SUBSCRIPTION, "--initiative", "diagnose", "--via", "identity")
        [task] = self.arm.bodies("PUT", "/remediations/")
        self.assertEqual(task["properties"]["policyDefinitionReferenceId"], "identity")
        parameters.write_text('{"identityId": {"value": "looker"}}')
        self.assertIn('"looker"', self.policy(*words, expected=2).stderr)

    def test_twin_in_a_subscription(self):
        self.policy("define", SUBSCRIPTION)
        self.policy("assign", SUBSCRIPTION, "--initiative", "diagnose", "--location", "westeurope", "--name", "look")
        [assignment] = self.arm.bodies("PUT", "/policyAssignments/look")
        self.assertTrue(assignment["properties"]["policyDefinitionId"].endswith("/backup-remediation-diagnose"))

    def test_wrong_words_are_refused_by_name(self):
        for words, named in ((["delete", SUBSCRIPTION], "define"), (["define", "my-group"], "my-group"),
                             (["assign", SUBSCRIPTION, "--initiative", "both"], "repair or diagnose"),
                             (["assign", SUBSCRIPTION, "--initiative", "repair"], "--location"),
                             (["remediate", SUBSCRIPTION], "repair or diagnose"), (["remediate", SUBSCRIPTION, "--parallel", "31"], "1 to 30"),
                             (["assign", SUBSCRIPTION, "--name", "x y"], "--name"), (["define", SUBSCRIPTION, "--all", "x"], "--all")):
            self.assertIn(named, self.policy(*words, expected=2).stderr)


class Documented(azure_cli.AzureCli):
    """Every command of the documentation, pasted with the names of this test in place of those in capitals."""

    def commands(self):
        names = {"GROUP": "group", "VM": "vm1", "REGION": "westeurope", "SCALESET": "set1", "SERVER": "server1",
                 "SUBSCRIPTION": arm.SUBSCRIPTION, "WORKSPACE": "workspace1", "URL": f"{self.arm.url}/package.zip",
                 "HEX": "a" * 64, "GALLERY": "gallery", "ID": f"{arm.GROUP}/providers/Microsoft.Compute/galleries/gallery"
                 "/applications/BackupRemediationLinux/versions/1.0.0", "ENDPOINT": self.arm.url, "RULE": "dcr-1", "PARAMETERS": self.folder / "documented.json"}
        [example] = re.findall(r"^    (\{.*\n.*\}\})$", (MANIFEST / "README.md").read_text(), re.MULTILINE)
        names["PARAMETERS"].write_text(example)
        for path in (REPOSITORY / "README.md", MANIFEST / "README.md"):
            for block in re.findall(r"(?:^    .*\n)+", path.read_text(), re.MULTILINE):
                for line in map(str.strip, block.replace("\\\n", " ").splitlines()):
                    # What a person's token is handed to is tried in tests/azure.
                    if re.match(r"az (?!account get-access-token)|scripts/(deploy|policy|fleet-status) ?", line):
                        yield re.sub(r"\b[A-Z]{2,}\b", lambda match: str(names[match.group()]), line)

    def test_every_command(self):
        self.arm.resources[f"{arm.COMPUTE}/virtualMachineScaleSets/set1".lower()] = {"properties": {}}
        self.arm.resources[f"{arm.GROUP}/providers/Microsoft.HybridCompute/machines/server1".lower()] = {"properties": {}}
        # ways_in_test.py runs them for real.
        self.arm.run_handler = lambda kind, properties: (
            {"exitCode": 0, "output": "Nothing to do", "error": ""} if kind == "run-command" else "Enable succeeded")
        found = list(self.commands())
        self.assertGreaterEqual(len(found), 16)
        for command in found:
            with self.subTest(command=command):
                about_vms = command.startswith(("az vm ", "scripts/deploy "))
                self.run_command(self.vm if about_vms else self.latest, ["sh", "-c", command], cwd=REPOSITORY)
        extensions = self.arm.extensions_of(f"{arm.COMPUTE}/virtualMachines/vm1")
        self.assertEqual({extension["name"] for extension in extensions}, {TYPES["Linux"], "CustomScript"})
        kinds = {resource.get("type") for resource in self.arm.resources.values()}
        for kind in ("Microsoft.Compute/virtualMachineScaleSets/extensions", "Microsoft.HybridCompute/machines/extensions",
                     "Microsoft.Insights/workbooks", "Microsoft.Insights/dataCollectionRules",
                     "Microsoft.Compute/virtualMachines/runCommands", "Microsoft.Compute/galleries/applications/versions",
                     "Microsoft.Compute/sharedVMExtensions/versions", "Microsoft.PolicyInsights/remediations"):
            self.assertIn(kind, kinds)
        self.assertTrue(self.arm.bodies("POST", "/dataCollectionRules/"))


if __name__ == "__main__":
    unittest.main()
