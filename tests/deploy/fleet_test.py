"""scripts/fleet-status, the queries and the workbook, fed with the statuses that the real handler writes."""

import csv
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import arm
from manifest import IDENTITY, MANIFEST, PUBLISHER, REPOSITORY, SCHEMA, TYPES, check_extension, load
from real_handler import statuses_of_handler
from syntax_test import needs_grammars, parse

SCRIPT = REPOSITORY / "scripts/fleet-status"
AGENT = pathlib.Path("/usr/lib/python3/dist-packages/azurelinuxagent/ga/collect_telemetry_events.py")


def load_script():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("fleet_status", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fleet_status", loader))
    loader.exec_module(module)
    return module


fleet_status = load_script()
HEAD = {"TimeGenerated": "2026-01-01T00:00:00Z", "ResourceId": "/vm", "Name": "vm", "ResourceGroup": "group",
        "SubscriptionId": "s", "System": "Linux", "Version": "1.0", "Mode": "fix"}


def instance_view(status):
    """As Azure shows what the handler wrote: codes made of the words and, where there is one, the number."""
    words = {"success": "succeeded", "error": "failed", "transitioning": "transitioning", "warning": "warning"}

    def shown(kind, part):
        number = f"/{part['code']}" if part["code"] else ""
        return {"code": f"{kind}/{words[part['status']]}{number}", "level": {"error": "Error", "warning": "Warning"}.get(
            part["status"], "Info"), "displayStatus": "", "message": part["formattedMessage"]["message"]}
    return {"name": TYPES["Linux"], "type": f"{PUBLISHER}.{TYPES['Linux']}", "typeHandlerVersion": "1.0.0.0",
            "statuses": [shown("ProvisioningState", status)],
            "substatuses": [shown(f"ComponentStatus/{part['name']}", part) for part in status["substatus"]]}


def view(code="ProvisioningState/succeeded", message="", *substatuses):
    return {"statuses": [{"code": code, "message": message}],
            "substatuses": [{"code": f"ComponentStatus/{name}/x", "message": text} for name, text in substatuses]}


class Rows(unittest.TestCase):
    def summary(self, *what):
        return fleet_status.rows_of_status(HEAD, view(*what))[0]["Summary"]

    def test_every_kind_of_status(self):
        ok = "ProvisioningState/succeeded"
        self.assertEqual(self.summary(ok, "Nothing to do in this VM: 90 checks found no cause of a failing backup."), "healthy")
        self.assertEqual(self.summary("ProvisioningState/transitioning", "Running: x"), "running")
        self.assertEqual(self.summary("ProvisioningState/failed/1", "Correct the settings"), "error")
        self.assertEqual(self.summary(ok, "", ("agent-hung", "fixed: A. B.")), "fixed")
        self.assertEqual(self.summary(ok, "", ("agent-hung", "needs-approval: A. B.")), "needs-approval")
        self.assertEqual(self.summary("ProvisioningState/failed/2", "", ("agent-hung", "broken: A. B.")), "broken")
        self.assertEqual(self.summary(ok, "", ("cpu-pressure", "risk, needs-operator: A. B.")), "at-risk")
        self.assertEqual(self.summary(ok, "", ("ultra-disk", "unknown: A. B.")), "unknown")
        self.assertEqual(fleet_status.rows_of_status(HEAD, {})[0]["Summary"], "no-status")

    def test_what_others_wrote_does_no_harm(self):
        for hostile in (view(None, None, ("x", "broken")), {"statuses": [{}], "substatuses": [{}]}, view("", "Cause: (")):
            fleet_status.rows_of_status(HEAD, hostile)
        self.assertEqual(fleet_status.one_line("a\x1b[31mb\n"), "a [31mb ")

    def test_columns_are_those_of_the_table(self):
        [entry] = fleet_status.rows_of_status(HEAD, view())
        self.assertEqual(set(entry), set(fleet_status.COLUMNS))

    def test_guard(self):
        def guard(*substatus):
            entry = fleet_status.rows_of_status(HEAD, view("ProvisioningState/succeeded", "", *substatus))[0]
            return entry["Guard"], entry["GuardLastLook"], entry["GuardRepaired"]
        self.assertEqual(guard(), ("off", "", ""))
        self.assertEqual(guard(("guard", "watch, every 2 h. It has not had to look yet.")), ("watch", "", ""))
        self.assertEqual(guard(("guard", "repair, every 1 h, suspended while the extension is disabled. "
                                         "Last look 2026-11-30T12:00:00Z. Repaired: agent-hung (run r-1, proven by a backup); "
                                         "x-y (no change, the next backup proves it). More.")),
                         ("repair, suspended", "2026-11-30T12:00:00Z",
                          "agent-hung (run r-1, proven by a backup); x-y (no change, the next backup proves it)"))
        self.assertEqual(guard(("guard", "The guard could not be switched on: x.")), ("problem", "", ""))

    def test_identity(self):
        self.assertEqual(fleet_status.PUBLISHER, PUBLISHER)
        self.assertEqual(fleet_status.TYPES, {name: system for system, name in TYPES.items()})


class RealStatus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        statuses = statuses_of_handler([{"mode": "diagnose"}, {"mode": "fix"}])
        cls.diagnosed, cls.repaired = [instance_view(status) for status in statuses]

    def test_diagnosis(self):
        rows = fleet_status.rows_of_status(HEAD, self.diagnosed)
        self.assertEqual({row["Summary"] for row in rows}, {"broken"})
        [root] = [row for row in rows if row["IsRootCause"]]
        self.assertEqual((root["Cause"], root["Layer"], root["State"]), ("extensions-disabled", "guest-agent", "broken"))
        self.assertIn("\nTo do: ", root["Message"])
        ids = SCHEMA["$defs"]["remediation"]["enum"]
        for row in rows:
            self.assertIn(row["Cause"], ids)
            self.assertIn(row["Layer"], fleet_status.LAYERS, row["Cause"])

    def test_repair(self):
        rows = fleet_status.rows_of_status(HEAD, self.repaired)
        states = {row["Cause"]: row["State"] for row in rows}
        self.assertEqual(states["extensions-disabled"], "fixed")
        [root] = [row for row in rows if row["IsRootCause"]]
        self.assertIn(f"({root['Layer']}, {root['Cause']}): ", self.repaired["statuses"][0]["message"])
        self.assertEqual({row["Summary"] for row in rows}, {root["State"]})  # something is left: there is no network

    def test_every_finding_is_a_row(self):
        for shown in (self.diagnosed, self.repaired):
            names = [substatus["code"].split("/")[1] for substatus in shown["substatuses"]]
            causes = [name for name in names if name not in fleet_status.LAYERS]
            self.assertEqual([row["Cause"] for row in fleet_status.rows_of_status(HEAD, shown)], causes)


class Fleet(unittest.TestCase):
    """The script as it is, with stand-ins for az's two answers and a Resource Manager that turns pages and is busy."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.arm = arm.Arm(self.folder, check_extension)
        self.addCleanup(self.arm.close)
        az = self.folder / "az"
        az.write_text(f"""#!/bin/sh
case "$1" in
    cloud) echo '{{"endpoints": {{"resourceManager": "{self.arm.url}/"}}}}' ;;
    account) echo '{{"accessToken": "the-token"}}' ;;
esac
""")
        az.chmod(0o755)
        properties = {"publisher": PUBLISHER, "typeHandlerVersion": "1.0", "settings": {"mode": "fix"}}
        for number in range(5):
            vm = self.arm.add_vm(f"vm{number}", "Linux")
            self.arm.put(f"{vm}/extensions/{TYPES['Linux']}", {"properties": {**properties, "type": TYPES["Linux"]}})

    def show(self, vm, status):
        self.arm.statuses[f"{arm.COMPUTE}/virtualMachines/{vm}/extensions/{TYPES['Linux']}".lower()] = status

    def run_script(self, *words, expected=0):
        result = subprocess.run([SCRIPT, *words], capture_output=True, text=True, timeout=120, env={
            **os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "SSL_CERT_FILE": str(self.arm.authority)})
        self.assertEqual(result.returncode, expected, result.stderr)
        return result

    def test_text(self):
        self.arm.throttle = 4
        self.show("vm1", view("ProvisioningState/succeeded", "Action needed: x. Cause: The agent hangs (guest-agent, agent-hung): y.",
                              ("agent-hung", "needs-approval: The agent hangs. It does.\nTo do: Restart\x1b[2J it.")))
        self.show("vm2", {})
        text = self.run_script().stdout
        self.assertIn("5 VMs: 3 healthy", text)
        self.assertIn("1  agent-hung", text)
        self.assertIn("vm1 (group): needs-approval", text)
        self.assertIn("To do: Restart [2J it.", text)
        self.assertIn("vm2 (group): no-status", text)

    def test_csv_and_json(self):
        self.show("vm3", view("ProvisioningState/succeeded", "=cmd()"))
        rows = list(csv.DictReader(io.StringIO(self.run_script("--format", "csv").stdout)))
        self.assertEqual(len(rows), 5)
        self.assertEqual(rows[3]["Message"], "'=cmd()")
        rows = json.loads(self.run_script("--format", "json", "--subscription", arm.SUBSCRIPTION).stdout)
        self.assertEqual([tuple(row) for row in rows], [fleet_status.COLUMNS] * 5)
        self.assertEqual(rows[3]["Message"], "=cmd()")
        asked = [body for body in self.arm.bodies("POST", "ResourceGraph")]
        self.assertEqual(asked[-1]["subscriptions"], [arm.SUBSCRIPTION])

    def test_upload(self):
        self.run_script("--upload", self.arm.url, "--rule", "dcr-1")
        [sent] = self.arm.bodies("POST", "/dataCollectionRules/dcr-1/streams/Custom-BackupRemediation_CL")
        self.assertEqual(len(sent), 5)
        columns = load("workbook/deploy.json")["resources"][2]["properties"]["streamDeclarations"]["Custom-BackupRemediation_CL"]["columns"]
        types = {"string": str, "boolean": bool, "datetime": str}
        for row in sent:
            self.assertEqual({name: type(value) for name, value in row.items()}, {column["name"]: types[column["type"]] for column in columns})
        self.assertIn("belong together", self.run_script("--upload", self.arm.url, expected=2).stderr)

    def test_a_vm_that_cannot_be_read_is_told_and_the_others_too(self):
        self.arm.unreadable = "/vm4/"
        result = self.run_script(expected=1)
        self.assertIn("vm4 (group): unreadable", result.stdout)
        self.assertIn("4 healthy", result.stdout)


class Workbook(unittest.TestCase):
    WORKBOOK = load("workbook/workbook.json")
    QUERIES = {path.stem: path.read_text() for path in sorted(MANIFEST.glob("workbook/queries/*.kql"))}
    RESOURCES = "(id: string, name: string, type: string, location: string, resourceGroup: string, subscriptionId: string, tags: dynamic, properties: dynamic)"
    # What the guest agent uploads an event as.
    EVENTS = "(EventName: string, CapabilityUsed: string, TaskName: string, Context1: string, Context2: string, Context3: string)"

    def items(self, items=None):
        for item in self.WORKBOOK["items"] if items is None else items:
            yield item
            yield from self.items(item["content"].get("items", []))

    def queries(self):
        return [item for item in self.items() if item["type"] == 3]

    def test_queries_are_those_of_the_files(self):
        for item in self.queries():
            if item["content"]["queryType"] != 12:
                self.assertEqual(item["content"]["query"], self.QUERIES[item["name"]].strip())
        self.assertEqual({item["name"] for item in self.queries() if item["content"]["queryType"] != 12} | {"publisher-events"},
                         set(self.QUERIES))

    def test_each_query_goes_where_its_tables_are(self):
        for item in self.queries():
            kind = item["content"]["queryType"]
            tables = re.findall(r"^(\w+)$", item["content"]["query"], re.MULTILINE)
            if kind == 0:
                self.assertEqual(set(tables), {"BackupRemediation_CL"})
                self.assertEqual(item["content"]["crossComponentResources"], ["{Workspace}"])
            elif kind == 1:
                self.assertLessEqual(set(tables), {"resources", "recoveryservicesresources"})
                self.assertEqual(item["content"]["crossComponentResources"], ["{Subscriptions}"])

    def test_parameters_are_there(self):
        names = {parameter["name"] for item in self.items() if item["type"] == 9 for parameter in item["content"]["parameters"]}
        for used in re.findall(r"\{([A-Z]\w+)(?::\w+)?\}", json.dumps(self.WORKBOOK)):
            self.assertIn(used, names)
        links = next(item for item in self.items() if item["type"] == 11)["content"]["links"]
        shown = [item["conditionalVisibility"]["value"] for item in self.items() if item["type"] == 12]
        self.assertEqual([link["subTarget"] for link in links], shown)

    def test_live_status_paths_lead_somewhere(self):
        for item in self.queries():
            if item["content"]["queryType"] == 12:
                question = json.loads(item["content"]["query"])
                settings = question["transformers"][0]["settings"]
                self.assertIn(settings["tablePath"], ("$.properties.instanceView.statuses[*]",
                                                      "$.properties.instanceView.substatuses[*]"))
                for column in settings["columns"]:
                    self.assertIn(column["path"], ("$.code", "$.level", "$.displayStatus", "$.message", "$.time"))
                self.assertIn({"key": "$expand", "value": "instanceView"}, question["urlParams"])

    def test_table_stream_and_script_have_the_same_columns(self):
        table, _, rule, _ = load("workbook/deploy.json")["resources"]
        columns = [{**column, "type": column["type"].lower()} for column in table["properties"]["schema"]["columns"]]
        self.assertEqual(rule["properties"]["streamDeclarations"]["Custom-BackupRemediation_CL"]["columns"], columns)
        self.assertEqual(tuple(column["name"] for column in columns), fleet_status.COLUMNS)

    @needs_grammars
    def test_queries_have_meaning(self):
        """Kusto's own analysis, with the tables' columns."""
        columns = load("workbook/deploy.json")["resources"][0]["properties"]["schema"]["columns"]
        kusto = {"boolean": "bool", "dateTime": "datetime"}
        tables = {"BackupRemediation_CL": "(%s)" % ", ".join(
                      f"{column['name']}: {kusto.get(column['type'], column['type'])}" for column in columns),
                  "resources": self.RESOURCES, "recoveryservicesresources": self.RESOURCES, "GuestAgentGenericLogs": self.EVENTS}
        queries = {name: {"text": text, "tables": tables} for name, text in self.QUERIES.items()}
        queries["fleet-status"] = {"text": fleet_status.QUERY, "tables": tables}
        for item in self.items():
            if item["type"] == 9:
                for parameter in item["content"]["parameters"]:
                    if "query" in parameter:
                        queries[parameter["name"]] = {"text": parameter["query"], "tables": tables}
        self.assertEqual(parse(kql=queries)["problems"], [])
        queries = {"wrong": {"text": "BackupRemediation_CL | where Caus == ''", "tables": tables}}
        self.assertEqual(len(parse(kql=queries)["problems"]), 1)

    def test_telemetry_is_queried_as_the_guest_agent_uploads_it(self):
        if not AGENT.exists():
            self.skipTest("waagent is not installed")
        uploaded = dict(re.findall(r"GuestAgentGenericLogsSchema\.(\w+): extension_event\[ExtensionEventSchema\.(\w+)", AGENT.read_text()))
        self.assertEqual(uploaded, {"CapabilityUsed": "EventLevel", "TaskName": "TaskName", "Context1": "Message",
                                    "Context2": "Timestamp", "Context3": "OperationId", "EventPid": "EventPid", "EventTid": "EventTid"})
        self.assertRegex(AGENT.read_text(), r'GuestAgentGenericLogsSchema\.EventName: "\{0\}-\{1\}"\.format\(handler_name')

    def test_publisher(self):
        for name in ("extensions", "failing-backups"):
            self.assertIn(f"'{PUBLISHER}'", self.QUERIES[name])
        prefix = re.search("startswith '(.*)'", self.QUERIES["publisher-events"]).group(1)
        for name in IDENTITY["types"].values():
            self.assertTrue(f"{PUBLISHER}.{name}".startswith(prefix))


if __name__ == "__main__":
    unittest.main()
