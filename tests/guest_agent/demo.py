"""What scripts/demo shows: a VM whose backups fail is repaired through the real guest agent, and the repair undone."""

import json
import textwrap
import time

from fabric import Extension, Fabric
from guest_agent_case import command_by_hand
from package import SNAPSHOT_EXTENSION, handler_package, snapshot_extension
from vm import Vm

SNAPSHOT_VERSION = "1.0.9220.0"
SNAPSHOT = """#!/bin/sh
[ "$1" = enable ] && mkdir -p status && echo '[{"version": 1, "timestampUTC": "2026-01-01T00:00:00Z", "status": {
    "operation": "Enable", "status": "success", "code": 1, "formattedMessage": {"lang": "en",
    "message": "a stand-in: it would take a snapshot now"}}}]' > "status/$ConfigSequenceNumber.status"
exit 0
"""
WIDTH = 116


def main():
    name, version, package = handler_package()
    fabric = Fabric()
    fabric.publish(name, version, package)
    fabric.publish(SNAPSHOT_EXTENSION, SNAPSHOT_VERSION, snapshot_extension(SNAPSHOT))
    fabric.start()
    backup = Extension(SNAPSHOT_EXTENSION, SNAPSHOT_VERSION, public={"commandToExecute": "snapshot"})
    repair = Extension(name, version, public={"mode": "fix"})
    vm = Vm(fabric)

    step("A simulated VM with Debian's guest agent, whose backups fail", """
        The folder of its backup extension was deleted while the extension worked. The agent recreated half of it,
        and now fails for ever. Besides, somebody switched extensions off in waagent.conf: no backup could run after
        the agent's next restart.""")
    folder = f"{vm.LIB}/{SNAPSHOT_EXTENSION}-{SNAPSHOT_VERSION}"
    vm.write(f"{folder}/config/HandlerState", "Enabled")
    vm.write(f"{folder}/config/HandlerStatus",
             json.dumps({"name": SNAPSHOT_EXTENSION, "status": "NotReady", "code": 0}))
    fabric.set_goal_state(backup)
    vm.boot_systemd()
    show(fabric.wait_for(lambda report: report.handler(SNAPSHOT_EXTENSION)), SNAPSHOT_EXTENSION)
    conf = vm.path("/etc/waagent.conf").read_text()
    vm.write("/etc/waagent.conf", conf.replace("Extensions.Enabled=y", "Extensions.Enabled=n  # Bob, temporarily"))
    show_conf(vm)

    step(f"Azure installs the handler {name} with the settings {json.dumps(repair.public)}")
    vm.hold_restarts()
    fabric.set_goal_state(backup, repair)
    show(fabric.wait_for(lambda report: report.settings(name)), name)
    say("(Its fix has restarted the agent that started it. The demo held that restart up until this was uploaded.)")
    vm.release_restarts()
    show(fabric.wait_for(lambda report: report.settings(name).get("status") in ("success", "error")), name)
    show_conf(vm)

    step("The next backup: the agent installs the backup extension afresh")
    moment = time.monotonic()
    fabric.set_goal_state(backup, repair)
    show(fabric.wait_for(lambda report: report.handler(SNAPSHOT_EXTENSION).get("status") == "Ready", since=moment),
         SNAPSHOT_EXTENSION)

    step("In the VM, by hand: backup-remediation undo")
    say(vm.run(*command_by_hand(vm, name, version, "undo"), check=False), prefix="| ")
    show_conf(vm)
    vm.power_off()


def step(title, explanation=""):
    step.number += 1
    print(f"\n{step.number}. {title}", flush=True)
    say(textwrap.dedent(explanation).replace("\n", " ").strip())


step.number = 0


def show(report, name):
    """An extension as the portal shows it, from the status blob that the agent uploaded."""
    handler, status = report.handler(name), report.settings(name)
    say(f"The portal now shows {name} {handler['handlerVersion']}:")
    say(handler["formattedMessage"]["message"], f"handler {handler['status']}, code {handler['code']}: ")
    if handler["status"] == "Ready":
        say(report.message(name), f"{status['status']}: ")
        for sub in status.get("substatus", []):
            say(sub["formattedMessage"]["message"].splitlines()[0], f"    {sub['name']}: {sub['status']}: ")


def show_conf(vm):
    lines = vm.path("/etc/waagent.conf").read_text().splitlines()
    say(f"waagent.conf in the VM: {next(line for line in lines if line.startswith('Extensions.Enabled'))}")


def say(text, prefix=""):
    indent = "   " + " " * (len(prefix) - len(prefix.lstrip()))
    hanging = indent + ("  " if prefix else "")
    for number, line in enumerate(text.strip().splitlines()):
        start = prefix.lstrip() if number == 0 or prefix.startswith("|") else ""
        print(textwrap.fill(start + line, WIDTH, initial_indent=indent, subsequent_indent=hanging,
                            break_on_hyphens=False, break_long_words=False), flush=True)


if __name__ == "__main__":
    main()
