"""What a fix and its undo may change of a VM: files, units, mounts, firewall. Two of these are compared."""

import hashlib
import os
import re
import stat

FOLDERS = ("/etc", "/var/lib/waagent")

# What the running agent and its extensions write themselves, below /var/lib/waagent.
WRITTEN_BY_THE_AGENT = re.compile(r"""/var/lib/waagent/(
    (events|history)/.*                                           # telemetry; former goal states
  | waagent_status\.\d+\.json | error\.json | partition | initial_goal_state | Incarnation | Protocol
  | (GoalState|ExtensionsConfig)\.\d+\.xml | .*\.manifest\.xml | SharedConfig\.xml | HostingEnvironmentConfig\.xml
  | Certificates\.(xml|p7m|pem) | [0-9A-F]+\.(crt|prv)            # fetched anew with every goal state
  | Transport(Cert|Private)\.pem | WireServerEndpoint              # made anew whenever the agent starts
  | [^/]+/(config/\d+\.settings | config/HandlerStatus | status/.* | mrseq)
  | [^/]*BackupRemediation[^/]*/.*                                # the handler itself, which runs meanwhile
  )$""", re.VERBOSE)


def machine_state(vm):
    """{what: how it is}; two states differ in the entries that differ."""
    state = {}
    for folder in FOLDERS:
        top = vm.inside(folder)
        for path in (top, *top.rglob("*")):
            name = f"{folder}/{path.relative_to(top)}"
            if not WRITTEN_BY_THE_AGENT.match(name):
                state[name] = _file_state(path)
    state["the agent's unit"] = vm.run("systemctl", "show", "walinuxagent",
                                       "--property=UnitFileState,Restart,DropInPaths,NeedDaemonReload,LoadState")
    state["the agent runs"] = vm.run("systemctl", "is-active", "walinuxagent", check=False) == "active\n"
    mounts = vm.inside("/proc/1/mountinfo").read_text().splitlines()
    # Number, parent and device of a mount are the kernel's choice; credentials are systemd's own, while a unit starts.
    state["mounts"] = sorted(" ".join(line.split()[3:]) for line in mounts if "/run/credentials/" not in line)
    state["routes"] = vm.run("ip", "-4", "-details", "route", "show", "table", "main")
    state["firewall"] = vm.run("nft", "--stateless", "list", "ruleset")
    return state


def differences(before, after):
    return {what: (before.get(what), after.get(what))
            for what in sorted(before.keys() | after.keys()) if before.get(what) != after.get(what)}


def _file_state(path):
    status = path.lstat()
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    attributes = {name: os.getxattr(path, name, follow_symlinks=False)
                  for name in os.listxattr(path, follow_symlinks=False)}
    return oct(status.st_mode), status.st_uid, status.st_gid, content, attributes
