"""Bicep and PowerShell can be parsed, and the Bicep files say the same as their JSON twins, by the grammars of
package.json: these find what is no sentence, not what has no meaning. dotnet_test.py has the compilers, where there is
.NET."""

import json
import re
import shutil
import subprocess
import unittest

from manifest import MANIFEST, NEEDED, REPOSITORY, load

PACKAGES = REPOSITORY / "build/npm"
needs_grammars = unittest.skipUnless(shutil.which("node") and (PACKAGES / "complete").exists(),
                                     "needs node, and the grammars that scripts/bootstrap installs with npm")


def parse(**texts):
    # Without optimizing: that takes V8 half a minute of a processor for PowerShell's grammar, and gains nothing here.
    result = subprocess.run(["node", "--liftoff-only", REPOSITORY / "tests/deploy/parse.mjs", PACKAGES],
                            input=json.dumps(texts), capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


@needs_grammars
class Bicep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.parsed = parse(bicep={path.stem: path.read_text() for path in MANIFEST.glob("arm/*.bicep")})

    def test_can_be_parsed(self):
        self.assertEqual(self.parsed["problems"], [])
        self.assertEqual(set(self.parsed["bicep"]), {path.stem for path in MANIFEST.glob("arm/*.json")})

    def test_an_error_is_found(self):
        self.assertTrue(parse(bicep={"wrong": "param a string = {\n"})["problems"])

    def test_same_parameters_as_the_twin(self):
        for name in NEEDED:  # the others use more of the language than as_template() knows
            bicep, twin = self.parsed["bicep"][name], {}
            for parameter, declared in load(f"arm/{name}.json")["parameters"].items():
                secure = declared["type"].startswith("secure")
                default = declared.get("defaultValue")
                twin[parameter] = {
                    "type": declared["type"].removeprefix("secure").lower(), **({"secure": True} if secure else {}),
                    "description": declared["metadata"]["description"],
                    **({"allowed": declared["allowedValues"]} if "allowedValues" in declared else {}),
                    **({"maxLength": declared["maxLength"]} if "maxLength" in declared else {}),
                    **({"default": {"expression": default[1:-1]} if str(default).startswith("[r") else default}
                       if "defaultValue" in declared else {})}
            self.assertEqual(bicep["parameters"], twin, name)

    def test_same_resource_as_the_twin(self):
        for name in NEEDED:
            bicep = self.parsed["bicep"][name]
            twin = load(f"arm/{name}.json")
            parent, child = bicep["resources"]
            [resource] = twin["resources"]
            self.assertTrue(parent["existing"])
            self.assertEqual(child["type"], f"{resource['type']}@{resource['apiVersion']}")
            body = as_template(child["body"], bicep)
            names = re.fullmatch(r"\[format\('\{0\}/\{1\}', (.*), (.*)\)\]", resource["name"]).groups()
            self.assertEqual((as_template(parent["body"], bicep)["name"], body.pop("name")),
                             tuple(f"[{part}]" if "(" in part else part[1:-1] for part in names))
            body.pop("parent")
            self.assertEqual(body, {key: value for key, value in resource.items() if key in ("location", "properties")}, name)
            self.assertEqual(as_template(bicep["variables"], bicep), twin.get("variables", {}))


def as_template(value, bicep):
    """A value of a Bicep file in the language of JSON templates, as far as ours need it."""
    if isinstance(value, dict) and set(value) == {"expression"}:
        return f"[{translated(value['expression'], bicep)}]"
    if isinstance(value, dict):
        return {key: as_template(item, bicep) for key, item in value.items()}
    return value


def translated(text, bicep):
    if match := re.fullmatch(r"(\w+) == ('\w+') \? ('\w+') : ('\w+')", text):
        name, *words = match.groups()
        return f"if(equals({translated(name, bicep)}, {words[0]}), {words[1]}, {words[2]})"
    if text.startswith("!"):
        return f"not({translated(text[1:], bicep)})"
    return (f"parameters('{text}')" if text in bicep["parameters"] else
            f"variables('{text}')" if text in bicep["variables"] else text)


@needs_grammars
class PowerShell(unittest.TestCase):
    def test_can_be_parsed(self):
        texts = {path.name: path.read_text() for path in [*(REPOSITORY / "scripts").glob("*.ps1"),
                                                            *MANIFEST.glob("run/*.ps1")]}
        for path in (REPOSITORY / "README.md", MANIFEST / "README.md"):
            for block in re.findall(r"(?:^    .*\n)+", path.read_text(), re.MULTILINE):
                if "-ResourceGroupName" in block:
                    texts[f"{path}: {block}"] = block
        self.assertGreaterEqual(len(texts), 4)
        self.assertEqual(parse(powershell=texts)["problems"], [])

    def test_an_error_is_found(self):
        self.assertTrue(parse(powershell={"wrong": "if ($a { 1 }\n"})["problems"])


@unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
class Shell(unittest.TestCase):
    def test_shellcheck_finds_nothing(self):
        result = subprocess.run(["shellcheck", "scripts/deploy", "scripts/policy", "manifest/run/run.sh"], cwd=REPOSITORY, capture_output=True,
                                text=True, timeout=120)
        self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    unittest.main()
