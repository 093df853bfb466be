"""What manifest/ offers to Azure agrees with the settings' schema, the identity, and itself."""

import json
import re
import unittest
import xml.etree.ElementTree

import template
from manifest import (HANDLER_VERSION, MANIFEST, NEEDED, PUBLIC, PUBLISHER, REPOSITORY, SCHEMA, SETTINGS, TYPES, VERSION,
                      check_extension, default_of, jsonschema, load, needs_jsonschema, settings_problems)
from real_handler import statuses_of_handler

ARM_TYPES = {"boolean": "bool", "array": "array", "string": "string"}
VM_CONTRIBUTOR = "/providers/Microsoft.Authorization/roleDefinitions/9980e02c-c2be-4d73-94e8-173b1dc7cf3c"


@needs_jsonschema
class Schema(unittest.TestCase):
    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_accepts_its_defaults_and_examples(self):
        self.assertEqual(settings_problems({name: default_of(setting) for name, setting in PUBLIC.items()}), [])
        for name, setting in SETTINGS.items():
            for example in setting.get("examples", []):
                self.assertEqual(settings_problems({name: example}), [])

    def test_refuses_what_is_wrong(self):
        for wrong in ({"mode": "repair"}, {"Mode": "fix"}, {"errorCode": "a b"}, {"only": ["no-such-cause"]},
                      {"rehearsal": "true"}, {"exclude": ["file-system-full", "file-system-full"]}):
            self.assertTrue(settings_problems(wrong), wrong)


    def test_the_handler_agrees(self):
        """Two tries at each setting, one that the schema takes and one that it does not."""
        cases = [{}]
        needs = {"azure": {"mode": "fix"}, "prove": {"mode": "fix", "azure": "read"}}
        for name, setting in PUBLIC.items():
            if "enum" in setting:
                cases += [{name: setting["enum"][-1], **needs.get(name, {})}, {name: setting["enum"][-1].upper()}]
            elif setting["type"] == "array":
                cases += [{name: ["agent-hung"]}, {name: ["agent-hung", "agent-hung"]}, {name: "agent-hung"}, {name: ["x"]}]
            elif setting["type"] == "boolean":
                cases += [{name: False}, {name: "false"}]
            else:
                cases += [{name: (setting.get("examples") or [""])[0]}, {name: "a b"}, {name: 5}]
                cases += [{name: "x" * (setting["maxLength"] + 1)}] if "maxLength" in setting else []
        # Nothing to look at makes the runs short.
        cases = [{"only": ["file-system-full"], **case} if "exclude" not in case else case for case in cases] + [{"other": 1}]
        for case, status in zip(cases, statuses_of_handler(cases)):
            refused = status["status"] == "error" and status["code"] == 1
            self.assertEqual(refused, bool(settings_problems(case)), f"{case}: {status['formattedMessage']['message']}")


class Templates(unittest.TestCase):
    def test_parameters_say_what_the_schema_says(self):
        for name in NEEDED:
            parameters = load(f"arm/{name}.json")["parameters"]
            if name != "arc-machine":
                self.assertLessEqual(set(PUBLIC), set(parameters), name)
            for key in set(parameters) & set(PUBLIC):
                setting, parameter = PUBLIC[key], parameters[key]
                self.assertEqual(parameter["type"], ARM_TYPES[setting.get("type", "string")], key)
                self.assertEqual(parameter.get("allowedValues"), setting.get("enum"), key)
                self.assertEqual(parameter.get("maxLength"), setting.get("maxLength"), key)
                if (name, key) != ("arc-machine", "only"):
                    self.assertEqual(parameter["defaultValue"], default_of(setting), key)
                    self.assertEqual(parameter["metadata"]["description"], setting["description"], key)

    @needs_jsonschema
    def test_deploy_extensions_that_the_handler_takes(self):
        for name, given in NEEDED.items():
            [resource] = template.resources(load(f"arm/{name}.json"), given)
            check_extension(resource["properties"])
            self.assertEqual(resource["name"].split("/")[1], resource["properties"]["type"], name)
            if name != "arc-machine":
                self.assertEqual(resource["properties"]["type"], TYPES[given["osType"]])
                self.assertEqual(resource["properties"]["settings"],
                                 {key: default_of(setting) for key, setting in PUBLIC.items()})

    def test_pass_every_parameter_on(self):
        everything = {"mode": "fix", "errorCode": "X", "only": ["file-system-full"], "exclude": ["agent-hung"],
                      "maxDisruption": "none", "allowSecurityChanges": True, "repairRisks": True, "failOnUnresolved": True, "rehearsal": True, "rehearsalIncludesSystem": True,
                      "guard": "repair", "azure": "repair", "prove": "snapshot"}
        self.assertEqual(set(everything), set(PUBLIC))
        for name in ("vm", "scale-set"):
            [resource] = template.resources(load(f"arm/{name}.json"), {
                **NEEDED[name], **everything, "protectedSettings": {"key": "secret"}, "forceRunStamp": "2"})
            properties = resource["properties"]
            self.assertEqual(properties["settings"], everything)
            self.assertEqual(properties["protectedSettings"], {"key": "secret"})
            self.assertEqual(properties["forceUpdateTag"], "2")
            self.assertIs(properties["suppressFailures"], False)  # because of failOnUnresolved

    def test_a_failure_of_the_extension_does_not_fail_the_vm(self):
        """A VM in the provisioning state Failed is one more reason for backups to fail."""
        for name in ("vm", "scale-set"):
            [resource] = template.resources(load(f"arm/{name}.json"), NEEDED[name])
            self.assertIs(resource["properties"]["suppressFailures"], True)

    def test_secrets_are_secure(self):
        for path in MANIFEST.glob("**/*.json"):
            document = json.loads(path.read_text())
            if "deploymentTemplate" not in str(document):
                continue
            for name, parameter in (document.get("parameters") or {}).items():
                if re.search("[pP]rotected|[sS]ecret|^uri|Uri|^key|Key", name):
                    self.assertIn(parameter["type"].lower(), ("secureobject", "securestring"), f"{path.name}: {name}")

    def test_arc_looks_at_windows_causes_of_the_os_snapshot_alone(self):
        sources = [path.read_text() for path in (REPOSITORY / "remediations/causes/os_snapshot").glob("*.cpp")]
        for cause in load("arm/arc-machine.json")["parameters"]["only"]["defaultValue"]:
            [source] = [text for text in sources if f'.id = "{cause}"' in text]
            self.assertIn("Scope::windows", source, cause)


class Policies(unittest.TestCase):
    ASKED = {"effect": "DeployIfNotExists", "mode": "fix", "maxDisruption": "none", "guard": "watch",
             "inclusionTagName": "", "inclusionTagValues": [], "exclusionTagName": "", "exclusionTagValues": [], "forceRunStamp": "1", "via": "extension",
             "applicationVersion": "/galleries/g/applications/ours/versions/1.0.0",
             "azure": "read", "identityClientId": "01234567-89ab-cdef-0123-456789abcdef",
             "identityId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/looker"}
    ALIAS = "Microsoft.Compute/virtualMachines/extensions/"
    OS = "Microsoft.Compute/virtualMachines/storageProfile.osDisk.osType"

    def policy(self, system="Linux"):
        return load(f"policy/{system.lower()}.json")["properties"]

    def applies(self, fields, system="Linux", **asked):
        fields = {"type": "microsoft.compute/virtualMachines", self.OS: "Linux", **fields}
        return template.policy_applies(self.policy(system)["policyRule"]["if"], fields, {**self.ASKED, **asked})

    def test_each_takes_the_vms_of_its_system(self):
        self.assertTrue(self.applies({}))
        self.assertFalse(self.applies({self.OS: "Windows"}))
        self.assertTrue(self.applies({self.OS: "Windows"}, "Windows"))
        self.assertFalse(self.applies({"type": "Microsoft.Compute/disks"}))

    def test_inclusion_tag(self):
        only = {"inclusionTagName": "backup", "inclusionTagValues": ["gold", "silver"]}
        self.assertTrue(self.applies({"tags[backup]": "Gold"}, **only))
        self.assertFalse(self.applies({"tags[backup]": "none"}, **only))
        self.assertFalse(self.applies({}, **only))

    def test_exclusion_tag(self):
        without = {"exclusionTagName": "fragile", "exclusionTagValues": ["yes"]}
        self.assertFalse(self.applies({"tags[fragile]": "yes"}, **without))
        self.assertTrue(self.applies({"tags[fragile]": "no"}, **without))
        self.assertTrue(self.applies({}, **without))

    def deployed(self, system, **asked):
        """The extension that the policy deploys, as the fields that its existence condition asks for."""
        details = self.policy(system)["policyRule"]["then"]["details"]
        functions = {"parameters": lambda name: {**self.ASKED, **asked}[name],
                     "field": lambda name: {"name": "vm1", "location": "westeurope"}[name]}
        given = template.evaluate(details["deployment"]["properties"]["parameters"], functions)
        [resource] = template.resources(details["deployment"]["properties"]["template"],
                                        {name: value["value"] for name, value in given.items()})
        return resource, {self.ALIAS + name: value for name, value in resource["properties"].items()}

    @needs_jsonschema
    def test_deploy_extensions_that_the_handler_takes(self):
        for system in TYPES:
            resource, _ = self.deployed(system)
            check_extension(resource["properties"])
            self.assertEqual(resource["name"], f"vm1/{TYPES[system]}")
            everything = {"mode": "fix", "maxDisruption": "none", "guard": "watch", "azure": "read"}
            self.assertEqual(resource["properties"]["settings"],
                             {**everything, "identityClientId": self.ASKED["identityClientId"]})
            without, _ = self.deployed(system, identityClientId="")
            check_extension(without["properties"])
            self.assertEqual(without["properties"]["settings"], everything)
            self.assertIs(resource["properties"]["suppressFailures"], True)

    def test_what_was_deployed_is_compliant_until_something_else_is_asked(self):
        for system in TYPES:
            _, fields = self.deployed(system)
            fields[self.ALIAS + "provisioningState"] = "Succeeded"
            exists = self.policy(system)["policyRule"]["then"]["details"]["existenceCondition"]
            self.assertTrue(template.policy_applies(exists, fields, self.ASKED))
            for name, value in (("mode", "diagnose"), ("maxDisruption", "workload"), ("guard", "repair"), ("forceRunStamp", "2"),
                                ("azure", "off"), ("identityClientId", "")):
                self.assertFalse(template.policy_applies(exists, fields, {**self.ASKED, name: value}), name)
            for name in ("publisher", "type", "typeHandlerVersion", "provisioningState", "forceUpdateTag"):
                self.assertFalse(template.policy_applies(exists, {**fields, self.ALIAS + name: "other"}, self.ASKED), name)

    def test_need_no_more_than_to_change_vms(self):
        for system in TYPES:
            self.assertEqual(self.policy(system)["policyRule"]["then"]["details"]["roleDefinitionIds"], [VM_CONTRIBUTOR])

    def test_parameters_say_what_the_schema_says(self):
        policies = [self.policy(system) for system in TYPES]
        for document in [*policies, load("policy/initiative-repair.json")["properties"]]:
            for name in ("mode", "maxDisruption", "guard", "azure", "identityClientId"):
                parameter = document["parameters"][name]
                if "enum" in SETTINGS[name]:
                    self.assertEqual(parameter["allowedValues"], SETTINGS[name]["enum"])
                self.assertEqual(parameter["metadata"]["description"], SETTINGS[name]["description"])
        self.assertEqual(policies[0]["parameters"], policies[1]["parameters"])
        twin = load("policy/initiative-diagnose.json")["properties"]["parameters"]["azure"]
        self.assertEqual(twin["allowedValues"], ["off", "read"], "it changes nothing in Azure either")
        for name in ("mode", "maxDisruption", "guard", "azure"):
            self.assertEqual(policies[0]["parameters"][name]["defaultValue"], default_of(SETTINGS[name]))

    def test_initiatives_hold_both_and_the_twin_changes_nothing(self):
        for kind, parts in (("repair", ["linux", "windows", "linux-application", "windows-application", "identity"]),
                            ("diagnose", ["linux", "windows", "identity"])):
            initiative = load(f"policy/initiative-{kind}.json")["properties"]
            self.assertEqual([part["policyDefinitionId"].split("/")[-1] for part in initiative["policyDefinitions"]],
                             [f"backup-remediation-{part}" for part in parts])
            for part in initiative["policyDefinitions"]:
                declared = self.policy(part["policyDefinitionReferenceId"])["parameters"]
                self.assertEqual(set(part["parameters"]), set(declared))
                for name, value in part["parameters"].items():
                    twin = {"mode": "diagnose", "maxDisruption": "none", "guard": "off", "via": "extension"}
                    if kind == "diagnose" and name in twin:
                        self.assertEqual(value["value"], twin[name])
                        self.assertNotIn(name, initiative["parameters"])
                        continue
                    given = f"{part['policyDefinitionReferenceId'].split('-')[0]}ApplicationVersion" if name == "applicationVersion" else name
                    self.assertEqual(value["value"], f"[parameters('{given}')]")
                    self.assertEqual(initiative["parameters"][given]["type"], declared[name]["type"])

    def test_one_way_at_a_time(self):
        for system in TYPES:
            for via in ("extension", "vm-application"):
                fields = {self.OS: system}
                self.assertEqual(self.applies(fields, system, via=via), via == "extension")
                self.assertEqual(self.applies(fields, f"{system}-application", via=via), via == "vm-application")
            self.assertFalse(self.applies({self.OS: system}, f"{system}-application", via="vm-application", applicationVersion=""))

    def test_the_identity_is_put_beside_the_others(self):
        ours, other = self.ASKED["identityId"], "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x"
        vm_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1"
        details = self.policy("identity")["policyRule"]["then"]["details"]
        self.assertEqual(details["roleDefinitionIds"], [VM_CONTRIBUTOR, VM_CONTRIBUTOR.rsplit("/", 1)[0] + "/f1a07417-d97a-45cb-824c-7a7467783830"])
        self.assertTrue(self.applies({}, "identity"))
        self.assertFalse(self.applies({}, "identity", identityId=""))
        self.assertFalse(self.applies({"tags[fragile]": "yes"}, "identity", exclusionTagName="fragile", exclusionTagValues=["yes"]))

        def is_compliant(identity):
            fields = {"identity.type": identity.get("type"), "identity.userAssignedIdentities": identity.get("userAssignedIdentities", {})}
            return template.policy_applies(details["existenceCondition"], fields, self.ASKED)

        # Something on it may ask for "the" identity, and would no longer find it.
        self.assertTrue(is_compliant({"type": "UserAssigned", "userAssignedIdentities": {other: {}}}))
        two = {other: {"clientId": "c"}, other + "2": {}}
        for there, kept in (({}, {}), ({"identity": {"type": "SystemAssigned", "principalId": "p"}}, {}),
                            ({"identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {other: {}}}}, {other: {}}),
                            ({"identity": {"type": "UserAssigned", "userAssignedIdentities": two}}, two)):
            before = there.get("identity", {})
            self.assertFalse(is_compliant(before), before)
            functions = {"parameters": self.ASKED.__getitem__, "field": {"name": "vm1", "location": "here"}.__getitem__}
            given = template.evaluate(details["deployment"]["properties"]["parameters"], functions)
            [nested] = template.resources(details["deployment"]["properties"]["template"],
                                          {name: value["value"] for name, value in given.items()}, existing={vm_id: there})
            inner = nested["properties"]
            [vm] = template.resources(inner["template"], {name: value["value"] for name, value in inner["parameters"].items()})
            self.assertEqual(set(vm), {"type", "apiVersion", "name", "location", "identity"}, "nothing else of the VM is written")
            self.assertEqual(vm["identity"], {
                "type": "SystemAssigned, UserAssigned" if "System" in before.get("type", "") else "UserAssigned",
                "userAssignedIdentities": {**kept, ours: {}}})
            self.assertTrue(is_compliant(vm["identity"]))

    def test_the_application_is_put_beside_the_others(self):
        ours, other = self.ASKED["applicationVersion"], {"packageReferenceId": "/galleries/g/applications/ours2/versions/1.0.0", "order": 3}
        field = "Microsoft.Compute/virtualMachines/applicationProfile.galleryApplications"
        vm_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1"
        for system in ("linux", "windows"):
            details = self.policy(f"{system}-application")["policyRule"]["then"]["details"]
            self.assertEqual(details["roleDefinitionIds"], [VM_CONTRIBUTOR])
            for there in ({}, {"applicationProfile": {"galleryApplications": []}},
                          {"applicationProfile": {"galleryApplications": [
                              other, {"packageReferenceId": ours.upper().replace("1.0.0", "0.9.0")}]}}):
                applications = there.get("applicationProfile", {}).get("galleryApplications", [])
                self.assertFalse(template.policy_applies(details["existenceCondition"], {field: applications}, self.ASKED))
                functions = {"parameters": self.ASKED.__getitem__, "field": {"name": "vm1", "location": "here"}.__getitem__}
                given = template.evaluate(details["deployment"]["properties"]["parameters"], functions)
                [nested] = template.resources(details["deployment"]["properties"]["template"],
                                              {name: value["value"] for name, value in given.items()}, existing={vm_id: there})
                inner = nested["properties"]
                [vm] = template.resources(inner["template"], {name: value["value"] for name, value in inner["parameters"].items()})
                self.assertEqual((vm["type"], vm["name"], list(vm["properties"])),
                                 ("Microsoft.Compute/virtualMachines", "vm1", ["applicationProfile"]))
                applications = vm["properties"]["applicationProfile"]["galleryApplications"]
                self.assertEqual(applications, ([other] if len(there.get("applicationProfile", {}).get("galleryApplications", [])) else [])
                                 + [{"packageReferenceId": ours, "treatFailureAsDeploymentFailure": False}])
                self.assertTrue(template.policy_applies(details["existenceCondition"], {field: applications}, self.ASKED))


class Roles(unittest.TestCase):
    TEMPLATE = load("roles/roles.json")

    def test_identities_get_the_role_look_and_no_other(self):
        made = template.resources(self.TEMPLATE, {"lookers": ["p1", "p2"]}, scope="/subscriptions/s")
        [look] = [one["name"] for one in made if one.get("properties", {}).get("roleName") == "Backup Remediation: look"]
        assignments = [one for one in made if one["type"].endswith("/roleAssignments")]
        self.assertEqual([one["properties"]["principalId"] for one in assignments], ["p1", "p2"])
        self.assertEqual(len({one["name"] for one in assignments}), 2)
        for one in assignments:
            self.assertEqual(one["properties"]["roleDefinitionId"],
                             f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{look}")
            self.assertEqual(one["dependsOn"], [one["properties"]["roleDefinitionId"]])


class Form(unittest.TestCase):
    FORM = load("portal/createUiDefinition.json")["parameters"]
    ELEMENTS = {element["name"]: element for step in FORM["steps"] for element in step["elements"]}

    def test_gives_the_template_what_it_takes(self):
        self.assertEqual(set(self.FORM["outputs"]), set(load("arm/vm.json")["parameters"]))

    def test_asks_for_secrets_in_boxes_that_hide_them(self):
        secret = [name for name, setting in SETTINGS.items() if setting.get("writeOnly")]
        self.assertTrue(secret)
        for name in secret:
            self.assertEqual(self.ELEMENTS[name]["type"], "Microsoft.Common.PasswordBox")
            self.assertEqual(self.ELEMENTS[name]["toolTip"], SETTINGS[name]["description"])
            self.assertEqual(self.ELEMENTS[name]["constraints"]["regex"], SETTINGS[name]["pattern"] + r'[^"\\]*$')
            used = [output for output, text in self.FORM["outputs"].items() if f"steps('settings').{name}" in text]
            self.assertEqual(used, ["protectedSettings"])

    def test_asks_for_every_setting_in_the_words_of_the_schema(self):
        for name, setting in PUBLIC.items():
            element = self.ELEMENTS[name]
            self.assertEqual(element["toolTip"], setting["description"], name)
            self.assertIn(f"steps('settings').{name}", self.FORM["outputs"][name])
            allowed = element.get("constraints", {}).get("allowedValues", [])
            if "enum" in setting:
                self.assertEqual([choice["value"] for choice in allowed], setting["enum"], name)
                default = [choice["value"] for choice in allowed if choice["label"] == element["defaultValue"]]
                self.assertEqual(default, [setting["default"]], name)
            elif setting["type"] == "array":
                self.assertEqual([choice["value"] for choice in allowed], SCHEMA["$defs"]["remediation"]["enum"], name)
                self.assertTrue(element["multiselect"])
            elif setting["type"] == "boolean":
                self.assertEqual(element["type"], "Microsoft.Common.CheckBox", name)  # off unless it is checked
                self.assertFalse(setting["default"])
            else:
                self.assertEqual(element["constraints"]["regex"], setting["pattern"].replace("*$", "{0,%d}$" % setting["maxLength"]))

    def test_its_expressions_name_elements_that_are_there(self):
        steps = {step["name"]: {element["name"] for element in step["elements"]} for step in self.FORM["steps"]}
        for step, element in re.findall(r"steps\('(\w+)'\)\.(\w+)", json.dumps(self.FORM)):
            self.assertIn(element, steps[step])
        known = {"and", "concat", "empty", "equals", "filter", "first", "if", "map", "not", "parse", "resourceGroup", "steps",
                 "subscription"}
        for text in expressions(self.FORM):
            self.assertEqual(text.count("("), text.count(")"), text)
            self.assertLessEqual(set(re.findall(r"(\w+)\(", re.sub(r"'[^']*'", "''", text))), known)


def expressions(value):
    """Every text in brackets."""
    if isinstance(value, str):
        return [value] if value.startswith("[") else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in expressions(part)]


class Registration(unittest.TestCase):
    NAMESPACE = "{http://schemas.microsoft.com/windowsazure}"

    def test_documents_name_this_extension(self):
        for system, type_name in TYPES.items():
            root = xml.etree.ElementTree.parse(MANIFEST / f"registration/{system.lower()}.xml").getroot()
            self.assertEqual(root.tag, f"{self.NAMESPACE}ExtensionImage")
            fields = {child.tag.removeprefix(self.NAMESPACE): child.text for child in root}
            self.assertEqual((fields["ProviderNameSpace"], fields["Type"], fields["Version"], fields["SupportedOS"]),
                             (PUBLISHER, type_name, VERSION, system))
            self.assertEqual((fields["IsJsonExtension"], fields["HostingResources"]), ("true", "VmRole"))
            self.assertLess(max(len(PUBLISHER), len(type_name)), 256)
            self.assertNotIn("_", PUBLISHER + type_name)

    def test_template_names_this_extension(self):
        for system, type_name in TYPES.items():
            registered, published = template.resources(load("registration/publish.json"), {
                "osType": system, "packageUri": "https://localhost/p.zip", "regions": ["*"]})
            self.assertEqual(registered["properties"]["identifier"], {"publisher": PUBLISHER, "type": type_name})
            self.assertEqual(published["name"], f"{PUBLISHER}.{type_name}/{VERSION}")
            self.assertEqual(published["dependsOn"][0].split("/")[-1], registered["name"])
            self.assertEqual(published["properties"]["supportedOS"], system)


class Readme(unittest.TestCase):
    TEXT = (REPOSITORY / "README.md").read_text()

    def test_table_has_every_setting_and_its_default(self):
        rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.*?) \| (.*?) \|$", self.TEXT, re.MULTILINE)
        table = {}
        for names, defaults, meaning in rows:
            names, defaults = names.replace("`", "").split(", "), defaults.replace("`", "").split(", ")
            table.update({name: (defaults[min(index, len(defaults) - 1)], meaning) for index, name in enumerate(names)
                          if name in SETTINGS})
        self.assertEqual(list(table), list(SETTINGS))
        for name, setting in SETTINGS.items():
            default, meaning = table[name]
            value = default_of(setting)
            expected = {"[]": ("none", "all"), '""': ("none",)}.get(json.dumps(value), (str(value).lower(), value))
            self.assertIn(default, expected, name)
            for word in setting.get("enum", []):
                self.assertIn(f"`{word}`", meaning, name)

    def test_links_lead_to_files(self):
        for path in re.findall(r"\]\(([^)#]+)\)|`((?:manifest|scripts|tests)/[\w./-]+)`", self.TEXT):
            path = path[0] or path[1]
            if "://" not in path:
                self.assertTrue((REPOSITORY / path).exists(), path)


class Identity(unittest.TestCase):
    FILES = [path for folder in ("manifest", "scripts") for path in (REPOSITORY / folder).rglob("*")
             if path.is_file() and path.suffix not in (".pyc",)] + [REPOSITORY / "README.md"]

    def test_every_file_names_the_same_publisher_and_types(self):
        for path in self.FILES:
            text = path.read_text()
            for found in re.findall(r"\bCommunity\.\w+", text):
                self.assertEqual(found, PUBLISHER, path)
            for found in re.findall(r"\bBackupRemediation(?!_)\w*", text):
                self.assertIn(found, TYPES.values(), path)

    def test_scripts_ask_for_the_right_version(self):
        self.assertIn(f"\nversion={HANDLER_VERSION}\n", (REPOSITORY / "scripts/deploy").read_text())
        self.assertIn(f"TypeHandlerVersion = '{HANDLER_VERSION}'", (REPOSITORY / "scripts/Deploy-BackupRemediation.ps1").read_text())

    def test_scripts_know_the_same_words(self):
        for name in ("deploy", "Deploy-BackupRemediation.ps1"):
            text = (REPOSITORY / "scripts" / name).read_text()
            for word in SETTINGS["mode"]["enum"] + SETTINGS["maxDisruption"]["enum"]:
                self.assertIn(word, text, name)
            for key in PUBLIC:
                if key != "rehearsalIncludesSystem":
                    self.assertTrue(key in text, f"{name}: {key}")


if __name__ == "__main__":
    unittest.main()
