"""A simulated Linux VM on which Debian's unmodified guest agent (/usr/sbin/waagent) runs.

Its disk is an overlay: it reads this machine's files, what it writes goes to memory and is gone when
it stops. So nothing has to be downloaded, and nothing on this machine changes. It boots in one of two ways:

    Vm(fabric).boot()            in milliseconds: namespaces of its own, no service manager at all
    Vm(fabric).boot_systemd()    a systemd-nspawn container with systemd as its first process

Needs root, and the private network and mount namespaces that tests/guest_agent/run makes: the VM shares
the network namespace with the fabric.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

from fabric import WIRE_SERVER

AGENT_CONF = """\
# The agent's configuration in the simulated VM
Extensions.Enabled=y
# Look for a new goal state, and report, every second
Extensions.GoalStatePeriod=1
Extensions.InitialGoalStatePeriod=1
# Upload the extensions' telemetry events as often
Debug.EtpCollectionPeriod=1
Provisioning.Agent=disabled
ResourceDisk.Format=n
Logs.Collect=n
OS.EnableFirewall=n
AutoUpdate.Enabled=n
"""

# The first process of a VM without systemd: it only lets the kernel reap what is orphaned in the VM.
INIT = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile True: signal.pause()"


class Vm:
    LIB = "/var/lib/waagent"

    def __init__(self, fabric, folder="/run/guest-agent-test"):
        self.fabric = fabric
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root"
        self._boot = None  # the process that keeps the VM alive
        self._leader = None  # the VM's first process, as seen from here
        self._systemd = False
        self._agent = None  # without systemd: the agent that we started
        self._make_disk()

    def _make_disk(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "tmpfs", self.folder)
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir()
        # What this machine has there, or gets meanwhile, must not leak into the VM.
        for path in (self.LIB, "/var/lib/backup-remediation", "/var/log", "/etc/azure"):
            folder = self.folder / "upper" / path.lstrip("/")
            folder.mkdir(parents=True)
            os.setxattr(folder, "trusted.overlay.opaque", b"y")
        _run("mount", "-t", "overlay", "overlay", self.root,
             "-o", f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work")
        self.path(self.LIB).chmod(0o700)
        self.path("/var/lib/backup-remediation").rmdir()
        self.write("/etc/waagent.conf", AGENT_CONF)
        # The kernel is this machine's, and so is what it logs.
        self.write("/usr/bin/dmesg", "#!/bin/sh\n", mode=0o755)
        self.write("/var/lib/calm/loadavg", "0.12 0.08 0.01 1/101 4321\n")
        for kind in ("cpu", "io", "memory"):
            self.write(f"/var/lib/calm/pressure/{kind}", "".join(
                f"{who} avg10=0.00 avg60=0.00 avg300=0.00 total=12345\n" for who in ("some", "full")))
        # The agent takes the VM for provisioned if this file holds the machine's id.
        product = pathlib.Path("/sys/class/dmi/id/product_uuid")
        self.write(f"{self.LIB}/provisioned", product.read_text() if product.exists() else "")

    def path(self, path):
        """Where a file of the VM is seen from here."""
        return self.root / str(path).lstrip("/")

    def inside(self, path):
        """The same as the VM's processes see it: with what is mounted there since it booted."""
        return pathlib.Path(f"/proc/{self._leader}/root", str(path).lstrip("/"))

    def write(self, path, text, mode=0o644):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)
        self.path(path).chmod(mode)

    def boot(self):
        for name in ("tmp", "run"):
            _run("mount", "-t", "tmpfs", "tmpfs", self.root / name)
        _run("mount", "--rbind", "/dev", self.root / "dev")
        _run("mount", "-t", "sysfs", "sysfs", self.root / "sys")
        self._boot = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", f"--root={self.root}",
             "--mount-proc", "/usr/bin/python3", "-c", INIT], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._leader = self._await_leader("python3")
        self.start_agent()

    def boot_systemd(self):
        """Boots systemd with nothing but the guest agent's unit to start."""
        self.write("/etc/systemd/system/vm.target", "[Unit]\nRequires=basic.target\nAfter=basic.target\n"
                                                    "Wants=walinuxagent.service\n")
        # Debian's unit starts on Hyper-V only, which a container is not: the one thing changed about it.
        self.write("/etc/systemd/system/walinuxagent.service.d/container.conf", "[Unit]\nConditionVirtualization=\n")
        self.write("/etc/machine-id", "")
        if not self._systemd:
            # nspawn wants the unified cgroup hierarchy, which is not what every machine has mounted.
            _run("umount", "--recursive", "/sys/fs/cgroup")
            _run("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
            self._systemd = True
        console = open(self.folder / "console.log", "ab")
        self._boot = subprocess.Popen(
            ["systemd-nspawn", f"--directory={self.root}", "--boot", "--quiet", "--machine=vm", "--register=no",
             "--keep-unit", "--console=pipe", "--capability=all", "systemd.unit=vm.target"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_LOCK": "0"})
        self._leader = self._await_leader("systemd")
        self._hide_this_machine()
        wait_until(lambda: self.run("systemctl", "is-active", "walinuxagent", check=False) == "active\n")

    def _hide_this_machine(self):
        """Whatever else this machine does is not the VM's load, and its disks are not the VM's."""
        self.run("mount", "--bind", "/var/lib/calm/loadavg", "/proc/loadavg")
        self.run("mount", "--bind", "/var/lib/calm/pressure", "/proc/pressure")
        # Among what nspawn shows of this machine is a file on its own disk, which nobody may freeze.
        while " /run/host" in self.inside("/proc/1/mountinfo").read_text():
            self.run("umount", "--recursive", "--lazy", "/run/host")

    def _await_leader(self, command):
        """The only child of the booting process, once it has become `command`."""
        def leader():
            if self._boot.poll() is not None:
                raise RuntimeError(f"the VM did not start: {self._boot.args[0]} exited with {self._boot.returncode}")
            children = pathlib.Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children").read_text().split()
            if children and pathlib.Path(f"/proc/{children[0]}/comm").read_text().strip() == command:
                return children[0]
        return wait_until(leader)

    def power_off(self):
        """Ends the VM as a power failure does; its disk stays, and it can boot again."""
        if self._leader:
            # Nobody may see others die and have time to write about it.
            for process in self.processes(""):
                os.kill(process, signal.SIGSTOP)
            os.kill(int(self._leader), signal.SIGKILL)
            self._boot.wait(timeout=30)
            self._leader = None

    def _command(self, *command):
        return ["nsenter", f"--target={self._leader}", "--all", "--root", "--wd", "env", "--ignore-environment",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *map(str, command)]

    def run(self, *command, check=True, timeout=60):
        """Runs a command in the VM as root; returns its output, stderr included."""
        done = subprocess.run(self._command(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def start(self, *command):
        """Runs a command in the VM; returns its process, which goes on."""
        return subprocess.Popen(self._command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def start_agent(self):
        if self._systemd:
            self.run("systemctl", "start", "walinuxagent")
        else:
            self._agent = subprocess.Popen(self._command("/usr/sbin/waagent", "-daemon"), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_agent(self):
        """Kills the daemon, and the process in which it handles goal states."""
        for process in self.processes("/usr/sbin/waagent"):
            os.kill(process, signal.SIGKILL)
        if self._agent:
            self._agent.wait(timeout=10)
        wait_until(lambda: not self.processes("/usr/sbin/waagent"))
        self.path("/run/waagent.pid").unlink(missing_ok=True)

    def restart_agent(self):
        self.kill_agent()
        self.start_agent()

    def processes(self, text):
        """Ids, as seen from here, of the VM's processes that have `text` in their command line."""
        namespace = os.readlink(f"/proc/{self._leader}/ns/pid")
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if (os.readlink(process / "ns/pid") == namespace
                        and text in (process / "cmdline").read_text().replace("\0", " ")):
                    found.append(int(process.name))
            except OSError:
                pass  # it ended while we looked
        return found

    def hold_restarts(self):
        """From now on whoever asks systemd to restart the agent waits until release_restarts(); the agent does not."""
        self.write("/etc/systemd/system/walinuxagent.service.d/hold.conf",
                   "[Service]\nExecStartPost=sh -c 'until [ -e /var/release ]; do sleep 0.1; done'\n")
        self.run("systemctl", "daemon-reload")

    def release_restarts(self):
        self.write("/var/release", "")

    @contextlib.contextmanager
    def route_to_wire_server(self, *words):
        """Another one than the network's, for a while."""
        before = self.run("ip", "route", "show", WIRE_SERVER).split()
        self.run("ip", "route", "delete", WIRE_SERVER)
        self.run("ip", "route", "add", *words)
        yield
        self.run("ip", "route", "delete", *words)
        self.run("ip", "route", "add", *before)

    @contextlib.contextmanager
    def wire_server_black_holed(self):
        """What is sent there goes into an interface with nobody at its other end, as through a broken VPN."""
        self.run("ip", "link", "add", "hole", "type", "veth", "peer", "name", "nowhere")
        for end in ("hole", "nowhere"):
            self.run("ip", "link", "set", end, "up")
        self.run("ip", "neighbour", "add", WIRE_SERVER, "lladdr", "02:00:00:00:00:01", "dev", "hole")
        with self.route_to_wire_server(WIRE_SERVER, "dev", "hole"):
            yield
        self.run("ip", "link", "delete", "hole")

    @staticmethod
    def parent(process):
        return int(pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])

    @staticmethod
    def control_group(process):
        return pathlib.Path(f"/proc/{process}/cgroup").read_text()

    def handler_folder(self, name, version):
        return self.path(f"{self.LIB}/{name}-{version}")

    def handler_state(self, name, version):
        return (self.handler_folder(name, version) / "config/HandlerState").read_text()

    def logs(self):
        """The ends of the logs, for whoever must find out why a test failed."""
        text = ""
        logs = [self.path("/var/log/waagent.log"), *sorted(self.path("/var/log/azure").glob("*/*.log"))]
        for log in filter(pathlib.Path.exists, logs):
            text += f"--- /{log.relative_to(self.root)}\n" + "".join(log.open().readlines()[-40:])
        return text


def wait_until(condition, timeout=30):
    """Waits until condition() is true-ish and returns what it returned."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {timeout} s")
        time.sleep(0.05)
    return value


def _run(*command):
    subprocess.run(list(map(str, command)), check=True, timeout=60)
