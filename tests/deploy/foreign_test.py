"""Templates and policies with a second foreign client beside azure-cli: Azure's own SDK for JavaScript."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import arm
import template
from manifest import NEEDED, REPOSITORY, TYPES, load

PACKAGES = REPOSITORY / "build/npm"
SDK = PACKAGES / "node_modules/@azure/arm-compute"
PACKAGE = {"packageUri": "https://x/y.zip", "packageSha256": "a" * 64}


@unittest.skipUnless(shutil.which("node") and SDK.exists(), "needs node, and the SDK that scripts/bootstrap installs with npm")
class JavaScript(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.arm = arm.Arm(pathlib.Path(folder.name))
        self.addCleanup(self.arm.close)
        self.arm.run_handler = lambda kind, properties: {} if kind == "run-command" else "Enable succeeded"
        self.arm.add_vm("vm1", "Linux")

    def send(self, *operations):
        result = subprocess.run(["node", REPOSITORY / "tests/deploy/foreign_client.mjs", PACKAGES, self.arm.url, arm.SUBSCRIPTION],
                                input=json.dumps(operations), capture_output=True, text=True, timeout=120,
                                env={**os.environ, "NODE_EXTRA_CA_CERTS": str(self.arm.authority)})
        if result.returncode != 0:
            raise AssertionError(result.stderr[-3000:])
        return json.loads(result.stdout)

    def check_arrived(self, operations):
        """Nothing was lost between the file and the wire."""
        self.send(*operations)
        arrived = [body for method, _, _, body in self.arm.requests if method == "PUT"]
        self.assertEqual(arrived, [operation["body"] for operation in operations])

    def resources(self, name, given):
        """Of a template, as operations of the client."""
        kinds = {"extensions": "extension", "runCommands": "runCommand", "applications": "application", "versions": "applicationVersion"}
        for resource in template.resources(load(f"arm/{name}.json"), given):
            body = {key: value for key, value in resource.items() if key in ("location", "properties", "tags")}
            yield {"kind": kinds[resource["type"].split("/")[-1]], "names": ["group", *resource["name"].split("/")], "body": body}

    def test_templates(self):
        operations = list(self.resources("vm", NEEDED["vm"]))
        for system in TYPES:
            for name in ("run-command", "custom-script"):
                operations += self.resources(name, {"vmName": "vm1", "osType": system, **PACKAGE})
            operations += self.resources("vm-application", {"galleryName": "gallery", "osType": system, "version": "1.0.0", **PACKAGE})
        self.assertEqual(len(operations), 9)
        self.check_arrived(operations)

    def test_policies(self):
        names = sorted(file.stem for file in (REPOSITORY / "manifest/policy").glob("*.json") if not file.stem.startswith("initiative"))
        operations = [{"kind": "policyDefinition", "names": [f"backup-remediation-{name}"], "body": load(f"policy/{name}.json")}
                      for name in names]
        scope = f"/subscriptions/{arm.SUBSCRIPTION}"
        for name in ("repair", "diagnose"):
            body = json.loads(json.dumps(load(f"policy/initiative-{name}.json")).replace("SCOPE", scope))
            operations.append({"kind": "policySetDefinition", "names": [f"backup-remediation-{name}"], "body": body})
        self.check_arrived(operations)

    def test_a_property_that_azure_does_not_know_is_found(self):
        [operation] = self.resources("vm", NEEDED["vm"])
        operation["body"]["properties"]["suppressFailure"] = True
        self.send(operation)
        [arrived] = self.arm.bodies("PUT", "/extensions/")
        del operation["body"]["properties"]["suppressFailure"]
        self.assertEqual(arrived, operation["body"])

    def test_the_status_message_is_read(self):
        *_, view = self.send(*self.resources("vm", NEEDED["vm"]), {"kind": "instanceView", "names": ["group", "vm1"]})
        [extension] = view["extensions"]
        self.assertEqual(extension["statuses"][0]["message"], "Nothing to do in this VM.")


if __name__ == "__main__":
    unittest.main()
