"""manifest/ against what Azure publishes of its interfaces: the models of Debian's Python SDK and, where a folder of
them is given (AZURE_SCHEMAS), the JSON schemas of the template language, policies, forms and workbooks."""

import json
import os
import pathlib
import unittest
import warnings

import template
from manifest import MANIFEST, NEEDED, jsonschema, load

try:
    import azure.mgmt.compute.v2022_08_01.models as compute
    import azure.mgmt.hybridcompute.models as arc
    import azure.mgmt.resource.policy.v2021_06_01.models as policy
except ImportError:
    compute = None

# Clones of github.com/Azure/azure-resource-manager-schemas and github.com/microsoft/Application-Insights-Workbooks.
SCHEMAS = pathlib.Path(os.environ.get("AZURE_SCHEMAS", "/nonexistent"))
PYTHON_TYPES = {"str": str, "bool": bool, "object": dict, "[str]": list, "{str}": dict}


def model_problems(model, resource):
    """Names and types in `resource` that the SDK's model does not have."""
    attributes = {attribute["key"]: attribute["type"] for attribute in model._attribute_map.values()}
    flat = {key: value for key, value in resource.items() if key not in ("properties", "type", "apiVersion", "name")}
    flat.update({f"properties.{key}": value for key, value in resource["properties"].items()})
    problems = []
    for key, value in flat.items():
        if key not in attributes:
            problems.append(f"{key}: no such property")
        elif not isinstance(value, PYTHON_TYPES.get(attributes[key], object)):
            problems.append(f"{key}: expected {attributes[key]}, found {value!r}")
    return problems


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not compute:
            raise unittest.SkipTest("the Azure SDK of Debian's azure-cli is not installed (scripts/bootstrap --azure-cli)")

    def extension(self, name):
        [resource] = template.resources(load(f"arm/{name}.json"), NEEDED[name])
        return resource

    def test_extensions(self):
        for name, model in (("vm", compute.VirtualMachineExtension), ("scale-set", compute.VirtualMachineScaleSetExtension),
                            ("arc-machine", arc.MachineExtension)):
            self.assertEqual(model_problems(model, self.extension(name)), [], name)

    def test_a_wrong_name_or_type_is_found(self):
        resource = self.extension("vm")
        resource["properties"]["suppressFailure"] = True
        resource["properties"]["autoUpgradeMinorVersion"] = "true"
        self.assertEqual(len(model_problems(compute.VirtualMachineExtension, resource)), 2)

    def deployed_by(self, name, existing=None):
        deployment = load(f"policy/{name}.json")["properties"]["policyRule"]["then"]["details"]["deployment"]["properties"]["template"]
        return template.resources(deployment, {name: "x" for name in deployment["parameters"]}, existing=existing)

    def test_policies(self):
        for system in ("linux", "windows", "identity"):
            self.assertEqual(model_problems(policy.PolicyDefinition, load(f"policy/{system}.json")), [])
        for system in ("linux", "windows"):
            [deployed] = self.deployed_by(system)
            self.assertEqual(model_problems(compute.VirtualMachineExtension, deployed), [])
        vm_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/x"
        [nested] = self.deployed_by("identity", existing={vm_id: {}})
        inner = nested["properties"]
        [vm] = template.resources(inner["template"], {name: each["value"] for name, each in inner["parameters"].items()})
        self.assertEqual(model_problems(compute.VirtualMachine, {**vm, "properties": {}}), [])
        for kind in ("repair", "diagnose"):
            initiative = load(f"policy/initiative-{kind}.json")
            self.assertEqual(model_problems(policy.PolicySetDefinition, initiative), [])
            known = {attribute["key"] for attribute in policy.PolicyDefinitionReference._attribute_map.values()}
            for part in initiative["properties"]["policyDefinitions"]:
                self.assertLessEqual(set(part), known)


class Schemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not jsonschema or not SCHEMAS.is_dir():
            raise unittest.SkipTest("AZURE_SCHEMAS names no folder with clones of the published schemas")

    ROOT = SCHEMAS / "azure-resource-manager-schemas/schemas"
    UNPUBLISHED = {"definitions": {"DeploymentProperties": {}}}  # what a published schema refers to all the same

    @classmethod
    def resolve(cls, uri):
        """A published schema from the folder, by the address that others refer to it by."""
        relative = uri.split("/schemas/", 1)[1].split("#")[0]
        found = [path for path in cls.ROOT.glob(f"{relative.split('/')[0]}/*")
                 if path.name.lower() == relative.split("/")[1].lower()]
        return json.loads(found[0].read_text()) if found else cls.UNPUBLISHED

    def problems(self, schema, document):
        warnings.simplefilter("ignore", DeprecationWarning)
        resolver = jsonschema.RefResolver(schema.get("id") or schema.get("$id", ""), schema,
                                          handlers={"https": self.resolve, "http": self.resolve})
        validator = jsonschema.validators.validator_for(schema, jsonschema.Draft4Validator)(schema, resolver=resolver)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in validator.iter_errors(document)]

    def published(self, path):
        return json.loads((self.ROOT / path).read_text())

    def test_templates(self):
        whole = self.published("2019-04-01/deploymentTemplate.json")
        # Each resource is checked by its own schema; the template's would load those of all of Azure.
        whole["definitions"]["resourcesWithoutSymbolicName"] = {"type": "array"}
        whole["definitions"]["resourcesWithSymbolicName"] = {"type": "object"}
        for path in [*MANIFEST.glob("arm/*.json"), MANIFEST / "registration/publish.json",
                     *MANIFEST.glob("workbook/deploy*.json")]:
            self.assertEqual(self.problems(whole, load(path)), [], path.name)

    def test_resources(self):
        """As the child resources that they are; the schema's list of well-known extensions is none of ours."""
        for name, schema, definition, properties in (
                ("vm", "2024-07-01/Microsoft.Compute.json", "virtualMachines_extensions_childResource",
                 "VirtualMachineExtensionProperties"),
                ("scale-set", "2024-07-01/Microsoft.Compute.json", "virtualMachineScaleSets_extensions_childResource",
                 "VirtualMachineScaleSetExtensionProperties"),
                ("arc-machine", "2024-07-10/Microsoft.HybridCompute.json", "machines_extensions_childResource",
                 "MachineExtensionProperties")):
            published = self.published(schema)
            document = {**published, **published["definitions"][definition]}
            document["properties"]["properties"] = {"$ref": f"#/definitions/{properties}"}
            [resource] = template.resources(load(f"arm/{name}.json"), NEEDED[name])
            self.assertEqual(set(resource["properties"]) - set(published["definitions"][properties]["properties"]), set())
            self.assertEqual(self.problems(document, {**resource, "type": "extensions"}), [], name)

    def test_resources_of_the_workbook(self):
        given = {"workspaceName": "workspace1", "workbook": load("workbook/workbook.json")}
        for resource, (schema, definition) in zip(template.resources(load("workbook/deploy.json"), given), (
                ("2022-10-01/Microsoft.OperationalInsights.json", "workspaces_tables"),
                ("2023-03-11/Microsoft.Insights.json", "dataCollectionEndpoints"),
                ("2023-03-11/Microsoft.Insights.json", "dataCollectionRules"),
                ("2022-04-01/Microsoft.Insights.Application.json", "workbooks"))):
            published = self.published(schema)
            # The schema lists the well-known streams alone, though Custom-... is one too.
            for flow in filter(None, [published["definitions"].get("DataFlow")]):
                flow["properties"]["streams"] = {"type": "array", "items": {"type": "string"}}
            self.assertEqual(self.problems({**published, **published["resourceDefinitions"][definition]}, resource), [])

    def test_policy_rules(self):
        schema = self.published("2020-10-01/policyDefinition.json")
        for system in ("linux", "windows"):
            self.assertEqual(self.problems(schema, load(f"policy/{system}.json")["properties"]["policyRule"]), [])

    def test_form(self):
        """Its frame by the schema of forms; its elements by that of portal views, which knows today's elements."""
        form = load("portal/createUiDefinition.json")
        views = self.published("2021-09-09/uiFormDefinition.schema.json")
        for step in form["parameters"]["steps"]:
            for element in step["elements"]:
                schema = {**views, **views["definitions"][element["type"]]}
                self.assertEqual(self.problems(schema, element), [], element["name"])
            step["elements"] = []
        self.assertEqual(self.problems(self.published("0.1.2-preview/CreateUIDefinition.MultiVm.json"), form), [])

    def test_workbook(self):
        schema = json.loads((SCHEMAS / "Application-Insights-Workbooks/schema/workbook.json").read_text())
        self.assertEqual(self.problems(schema, load("workbook/workbook.json")), [])


if __name__ == "__main__":
    unittest.main()
