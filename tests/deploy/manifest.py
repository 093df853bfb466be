"""The files of manifest/ that the tests of this folder compare."""

import json
import pathlib
import re
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MANIFEST = REPOSITORY / "manifest"


def load(path):
    return json.loads((MANIFEST / path).read_text())


SCHEMA = load("settings.schema.json")
SETTINGS = SCHEMA["properties"]
# "writeOnly" is JSON Schema's word for what may be written and never shown again; it belongs into protected settings.
# What a person asks for in a single case is in no template and no form.
FOR_A_SINGLE_CASE = {"verboseLogHours", "agentInstaller", "guardHours", "identityClientId", "vault",
                     "proveWithinHours"}
PUBLIC = {name: setting for name, setting in SETTINGS.items()
          if not setting.get("writeOnly") and name not in FOR_A_SINGLE_CASE}
IDENTITY = load("identity.json")
PUBLISHER = IDENTITY["publisher"]
TYPES = {"Linux": IDENTITY["types"]["linux"], "Windows": IDENTITY["types"]["windows"]}
VERSION = re.search(r"project\(.* VERSION ([0-9.]+)", (REPOSITORY / "CMakeLists.txt").read_text()).group(1)
# What a resource asks for: any version with this major number, the newest minor one.
HANDLER_VERSION = VERSION.split(".")[0] + ".0"
# For each template, the parameters that have no default.
NEEDED = {"vm": {"vmName": "vm1", "osType": "Linux"}, "scale-set": {"scaleSetName": "set1", "osType": "Windows"},
          "arc-machine": {"machineName": "server1"}}


def default_of(setting):
    """What the handler takes where a setting is missing."""
    return setting.get("default", {"array": [], "boolean": False, "string": ""}.get(setting.get("type")))


needs_jsonschema = unittest.skipUnless(jsonschema, "python3-jsonschema is not installed")


def settings_problems(settings):
    """What is wrong with the settings of an extension, by the schema; nothing where nobody can tell."""
    if not jsonschema:
        return []
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(settings)]


def check_extension(properties):
    """Raises ValueError unless these are the properties of our extension with settings that it takes."""
    if properties["publisher"] != PUBLISHER or properties["type"] not in TYPES.values():
        raise ValueError(f"no such extension: {properties['publisher']}.{properties['type']}")
    if properties["typeHandlerVersion"] != HANDLER_VERSION:
        raise ValueError(f"typeHandlerVersion: {properties['typeHandlerVersion']}")
    public, secret = properties.get("settings") or {}, properties.get("protectedSettings") or {}
    if problems := settings_problems(public) + settings_problems(secret) + [key for key in public if key in secret]:
        raise ValueError("; ".join(problems))
