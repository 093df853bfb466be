#!/usr/bin/python3
"""What scripts/demo shows: a VM whose backups fail is repaired through the real guest agent, and the repair undone."""

import json
import textwrap
import time

from fabric import Extension, Fabric
from guest_agent_case import command_by_hand
from package import SNAPSHOT_EXTENSION, handler_package, snapshot_extension
from vm import Vm

SNAPSHOT_VERSION = "1.0.9220.0"
HEALTHY = """#!/bin/sh
[ "$1" = enable ] && mkdir -p status && echo '[{"version": 1, "timestampUTC": "2026-01-01T00:00:00Z", "status": {
    "operation": "Enable", "status": "success", "code": 1, "formattedMessage": {"lang": "en",
    "message": "snapshot created"}}}]' > "status/$ConfigSequenceNumber.status"
exit 0
"""


def main():
    name, version, package = handler_package()
    fabric = Fabric()
    fabric.publish(name, version, package)
    fabric.publish(SNAPSHOT_EXTENSION, SNAPSHOT_VERSION, snapshot_extension(HEALTHY))
    fabric.start()
    backup = Extension(SNAPSHOT_EXTENSION, SNAPSHOT_VERSION, public={"commandToExecute": "snapshot"})
    repair = Extension(name, version, public={"mode": "fix"})
    vm = Vm(fabric)

    step("A VM whose backups fail", """\
        Its backup extension was deleted while it ran; the agent left half a folder, which fails for ever. And
        somebody switched extensions off in waagent.conf: the agent's next restart would stop every backup.""")
    folder = f"{vm.LIB}/{SNAPSHOT_EXTENSION}-{SNAPSHOT_VERSION}"
    vm.write(f"{folder}/config/HandlerState", "Enabled")
    vm.write(f"{folder}/config/HandlerStatus", json.dumps({"name": SNAPSHOT_EXTENSION, "status": "NotReady", "code": 0}))
    fabric.set_goal_state(backup)
    vm.boot_systemd()
    show(fabric.wait_for(lambda report: report.handler(SNAPSHOT_EXTENSION)))
    set_in_conf(vm, "Extensions.Enabled=n")
    show_conf(vm)

    step(f"The handler is installed with {json.dumps(repair.public)}")
    moment = time.monotonic()
    fabric.set_goal_state(backup, repair)
    show(fabric.wait_for(lambda report: report.settings(name), since=moment), name)
    show(fabric.wait_for(lambda report: report.settings(name).get("status") not in (None, "transitioning")
                         and report.blob["timestampUTC"], since=moment), name)
    show_conf(vm)

    step("The next backup has the agent install the backup extension afresh")
    fabric.set_goal_state(backup, repair)
    show(fabric.wait_for(lambda report: report.settings(SNAPSHOT_EXTENSION)))

    for command in ("history",), ("undo",):
        step(f"In the VM, by hand: backup-remediation {' '.join(command)}")
        print(textwrap.indent(vm.run(*command_by_hand(vm, name, version, *command), check=False).rstrip(), "    "))
    show_conf(vm)
    vm.power_off()


def step(title, explanation=""):
    step.number += 1
    print(f"\n{step.number}. {title}", flush=True)
    if explanation:
        print(textwrap.indent(textwrap.dedent(explanation), "   "), flush=True)


step.number = 0


def show(report, only=None):
    """The VM's extensions as the portal shows them, from the status that the agent uploaded."""
    print("   The portal shows:")
    for handler in report.blob["aggregateStatus"]["handlerAggregateStatus"]:
        name = handler["handlerName"]
        if only not in (None, name):
            continue
        status = report.settings(name)
        word = status.get("status") or f"{handler['status']}, code {handler['code']}"
        message = report.message(name) or handler.get("formattedMessage", {}).get("message", "")
        print(f"     {name} {handler['handlerVersion']}: {word}")
        print(wrapped(message, "         "))
        for sub in status.get("substatus", []):
            print(wrapped(f"{sub['name']}: {sub['status']}: {sub['formattedMessage']['message']}", "       - "))
    print(flush=True, end="")


def wrapped(text, first_indent):
    lines = text.strip().splitlines() or [""]
    if len(lines) > 8:
        lines = lines[:8] + ["..."]
    width = {"width": 116, "subsequent_indent": " " * len(first_indent)}
    return "\n".join(textwrap.fill(line, initial_indent=first_indent if number == 0 else " " * len(first_indent), **width)
                     for number, line in enumerate(lines))


def set_in_conf(vm, line):
    key = line.split("=")[0]
    conf = vm.path("/etc/waagent.conf").read_text().splitlines()
    vm.write("/etc/waagent.conf", "".join((line if old.startswith(f"{key}=") else old) + "\n" for old in conf))


def show_conf(vm):
    lines = vm.path("/etc/waagent.conf").read_text().splitlines()
    print("   In the VM's waagent.conf:", next(line for line in lines if line.startswith("Extensions.Enabled")), flush=True)


if __name__ == "__main__":
    main()
