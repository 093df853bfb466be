"""What the test's cloud answers, and what captures hold, against the models of Azure's own SDK (Debian's python3-azure)."""

import json
import pathlib
import re
import unittest
import unittest.mock

import cloud
import fleet

try:
    from azure.mgmt.authorization.v2022_04_01 import models as authorization
    from azure.mgmt.compute.v2022_08_01 import models as compute
    from azure.mgmt.compute.v2022_03_02 import models as disks
    from azure.mgmt.keyvault.v2022_07_01 import models as keyvault
    from azure.mgmt.network.v2022_07_01 import models as network
    from azure.mgmt.recoveryservices import models as vaults
    from azure.mgmt.recoveryservicesbackup.activestamp import models as backup
    from azure.mgmt.resource.locks.v2016_09_01 import models as locks
    from azure.mgmt.resource.resources.v2021_04_01 import models as resources
except ImportError:
    compute = None

CAPTURES = pathlib.Path(__file__).resolve().parents[1] / "captures/linux"
WORDS = {"str": str, "bool": bool, "int": int, "float": (int, float), "long": int, "object": object}


def subtype_of(module, model, value):
    """The model below this one that the value says it is; models below those count too."""
    for discriminator, subtypes in vars(model).get("_subtype_map", {}).items():
        kind = value.get(model._attribute_map[discriminator]["key"])
        if kind in subtypes:
            return subtypes[kind]
        for name in subtypes.values():
            found = subtype_of(module, getattr(module, name), value)
            if found:
                return found
    return None


def problems(module, name, value, place=""):
    """Names and types in `value` that the SDK's model does not have."""
    if value is None:
        return []
    if name in ("iso-8601", "duration"):
        pattern = r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)" if name == "iso-8601" else r"P.*"
        return [] if isinstance(value, str) and re.fullmatch(pattern, value) else [f"{place}: no {name}: {value!r}"]
    if name.startswith("["):
        if not isinstance(value, list):
            return [f"{place}: expected a list, found {value!r}"]
        return [each for index, part in enumerate(value) for each in problems(module, name[1:-1], part, f"{place}[{index}]")]
    if name.startswith("{"):
        return [] if isinstance(value, dict) else [f"{place}: expected an object"]
    if name in WORDS or not hasattr(module, name) or not hasattr(getattr(module, name), "_attribute_map"):
        expected = WORDS.get(name, str)
        wrong_switch = isinstance(value, bool) and expected not in (bool, object)
        return [f"{place}: expected {name}, found {value!r}"] if wrong_switch or not isinstance(value, expected) else []
    if not isinstance(value, dict):
        return [f"{place}: expected {name}, found {value!r}"]
    model = getattr(module, name)
    subtype = subtype_of(module, model, value)
    if subtype:
        return problems(module, subtype, value, place)
    known = {attribute["key"].replace("\\.", "."): attribute["type"] for attribute in model._attribute_map.values()}
    found = []
    for key, member in value.items():
        if key in known:
            found += problems(module, known[key], member, f"{place}.{key}")
        elif isinstance(member, dict) and any(each.startswith(key + ".") for each in known):  # flattened
            for inner, part in member.items():
                if f"{key}.{inner}" in known:
                    found += problems(module, known[f"{key}.{inner}"], part, f"{place}.{key}.{inner}")
                else:
                    found.append(f"{place}.{key}.{inner}: no such member of {name}")
        else:
            found.append(f"{place}.{key}: no such member of {name}")
    return found


@unittest.skipIf(compute is None, "Debian's python3-azure is not installed")
class Models(unittest.TestCase):
    def setUp(self):
        with (unittest.mock.patch.object(cloud, "make_certificates", lambda *_: (None, None)),
              unittest.mock.patch.object(cloud.Cloud, "serve", lambda *_: None)):
            self.cloud = cloud.Cloud(None)
        self.cloud.vm_state, self.cloud.protection_state, self.cloud.location = "Succeeded", "Protected", "westeurope"
        self.cloud.extensions = [("VMSnapshotLinux", "Microsoft.Azure.RecoveryServices", "Failed", "x")]
        self.cloud.points = [cloud.Cloud.point(1, cloud.ago(days=1))]

    def check(self, module, name, value):
        self.assertEqual(problems(module, name, value), [], name)

    def test_the_clouds_answers(self):
        self.check(compute, "VirtualMachine", self.cloud.vm())
        self.check(compute, "VirtualMachineInstanceView", self.cloud.instance_view())
        for extension in self.cloud.extension_resources():
            self.check(compute, "VirtualMachineExtension", extension)
        self.check(compute, "RestorePointCollection", self.cloud.collection())
        self.check(disks, "Disk", self.cloud.disk())
        self.check(backup, "ProtectedItemResource", self.cloud.item())
        self.check(backup, "ProtectionPolicyResource", self.cloud.policy())
        self.check(backup, "JobResource", cloud.Cloud.job(1, "Failed", [{"errorCode": 1, "errorString": "x", "recommendations": []}]))
        self.check(vaults, "Vault", self.cloud.vault())
        self.cloud.key_access = {"o": {"keys": ["get"], "secrets": ["list"]}}
        self.check(keyvault, "Vault", self.cloud.key_vault())
        self.cloud.key_vault_of_vm = cloud.KEY_VAULT
        self.check(compute, "VirtualMachine", self.cloud.vm())
        self.check(locks, "ManagementLockObject", self.cloud.lock(cloud.SUB, "l", "ReadOnly"))
        self.cloud.actions = ["*"]
        self.check(authorization, "PermissionGetResult", self.cloud.route("GET", f"{cloud.VM}/providers/Microsoft.Authorization/permissions", {}, ""))
        asked = json.dumps({"resourceType": "VM", "resourceId": cloud.VM})
        path = f"{cloud.SUB}/providers/Microsoft.RecoveryServices/locations/westeurope/backupStatus"
        self.check(backup, "BackupStatusResponse", self.cloud.route("POST", path, {}, asked))

    def test_the_fleets_answers(self):
        with unittest.mock.patch.object(cloud.Cloud, "__init__", lambda self, folder: None):
            many = fleet.Fleet(None, 2)
        many.add_fault(1, {"errorCode": 1, "errorString": "x"}, health="Look at this.")
        for number in many.numbers:
            self.check(backup, "ProtectedItemResource", many.item_of(number))
            self.check(backup, "JobResource", many.job_of(number, 0))
            self.check(compute, "RestorePointCollection", many.collection_of(number))

    def test_a_wrong_name_or_type_is_found(self):
        vm = self.cloud.vm()
        vm["properties"]["vmid"] = 5
        vm["properties"]["osProfile"]["allowExtensionOperations"] = "true"
        self.assertEqual(len(problems(compute, "VirtualMachine", vm)), 2)
        self.assertTrue(problems(backup, "JobResource", cloud.Cloud.job(1, "Failed", [{"errorCode": "UserError"}])))

    # What recorded machines answer, by the question's path. That odd forms are taken is what one capture is about.
    KINDS = ((r"/virtualmachines/[^/]+$", "compute", "VirtualMachine"),
             (r"/effectiveroutetable$", "network", "[EffectiveRoute]"),
             (r"/effectivenetworksecuritygroups$", "network", "[EffectiveNetworkSecurityGroup]"),
             (r"/instanceview$", "compute", "VirtualMachineInstanceView"),
             (r"/extensions$", "compute", "[VirtualMachineExtension]"), (r"/disks/", "disks", "Disk"),
             (r"/diskencryptionsets/", "disks", "DiskEncryptionSet"),
             (r"/restorepointcollections$", "compute", "[RestorePointCollection]"),
             (r"/restorepointcollections/", "compute", "RestorePointCollection"),
             (r"/backupstatus", "backup", "BackupStatusResponse"), (r"/protecteditems/", "backup", "ProtectedItemResource"),
             (r"/backuppolicies/", "backup", "ProtectionPolicyResource"), (r"/backupjobs\?", "backup", "[JobResource]"),
             (r"/backupjobs/", "backup", "JobResource"), (r"/backupprotecteditems", "backup", "[ProtectedItemResource]"),
             (r"microsoft\.recoveryservices/vaults/[^/]+$", "vaults", "Vault"), (r"/locks$", "locks", "[ManagementLockObject]"),
             (r"/checkpolicyrestrictions", None, None),  # Debian's model is older than the version that is asked for
             (r"microsoft\.keyvault/vaults/", "keyvault", "Vault"), (r"/providers/[^/]+$", "resources", "Provider"))
    DISCRIMINATORS = {"ProtectedItemResource": ("protectedItemType", "Microsoft.Compute/virtualMachines"),
                      "ProtectionPolicyResource": ("backupManagementType", "AzureIaasVM"),
                      "JobResource": ("jobType", "AzureIaaSVMJob")}

    def test_what_captures_answer(self):
        checked = 0
        for facts in sorted(CAPTURES.glob("*/azure-*/facts.json")):
            if facts.parent.name in ("azure-lower-case-and-odd-forms", "azure-job-hangs-in-its-snapshot",
                                     "azure-job-text-names-the-code"):
                continue
            for question, answer in json.loads(facts.read_text())["azure"]["answers"].items():
                [module, name] = next((module, name) for pattern, module, name in self.KINDS
                                      if re.search(pattern, re.sub(r"^(get|post) | \{.*|\?\$(?!filter).*", "", question)))
                body = answer.get("body")
                if not body or module is None:
                    continue
                for each in body if isinstance(body, list) else [body]:
                    base = name.strip("[]")
                    if base in self.DISCRIMINATORS and isinstance(each.get("properties"), dict):
                        key, value = self.DISCRIMINATORS[base]
                        each = {**each, "properties": {key: value, **each["properties"]}}
                    self.assertEqual(problems(globals()[module], base, each), [], f"{facts.parent.name}: {question}")
                    checked += 1
        self.assertGreater(checked, 60)


class Roles(unittest.TestCase):
    """The role definitions, and the template that deploys them, say the same."""

    FOLDER = pathlib.Path(__file__).resolve().parents[2] / "manifest/roles"

    def test_the_template_has_each_role(self):
        template = json.loads((self.FOLDER / "roles.json").read_text())
        deployed = {each["properties"]["roleName"]: each["properties"] for each in template["resources"]
                    if each["type"].endswith("/roleDefinitions")}
        roles = [json.loads(path.read_text()) for path in self.FOLDER.glob("*.json") if path.name != "roles.json"]
        self.assertEqual(set(deployed), {role["Name"] for role in roles})
        for role in roles:
            properties = deployed[role["Name"]]
            self.assertEqual(properties["description"], role["Description"])
            self.assertEqual(properties["permissions"], [{"actions": role["Actions"], "notActions": []}])
            self.assertEqual(properties["assignableScopes"], ["[subscription().id]"])

    def test_no_role_for_a_vm_can_lose_data(self):
        for name in ("look", "prove", "repair"):
            for action in json.loads((self.FOLDER / f"{name}.json").read_text())["Actions"]:
                if action == "Microsoft.Compute/virtualMachines/extensions/delete":
                    continue  # the backup extension, which the next backup adds again
                self.assertNotRegex(action.lower(), r"\*|/delete$|/write$|restore/action$|endgetaccess", name)
