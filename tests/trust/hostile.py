"""What surrounds the program is hostile: environment, links, files, tables. Each test gets a machine of its own and may
return a note."""

import base64
import ctypes
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

from crash import FIX
from private_machine import HANDLER, LIBRARY, PROGRAM, SNAPSHOT, STATE, VERSION, Machine, differences, is_repaired

SOMEBODY = 1000  # a user without rights
THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"


def broken_machine(program):
    machine = Machine(program, folder=f"/run/hostile-{time.monotonic_ns()}")
    machine.reset()
    return machine


def require(condition, *details):
    if not condition:
        raise AssertionError("\n".join(map(str, details)))


def test_environment(program):
    machine = broken_machine(program)
    evil = machine.root / "tmp/evil"
    evil.mkdir()
    for tool in ("sh", "systemctl", "systemd-run", "update-rc.d", "chkconfig", "iptables", "nft", "cp", "setsid"):
        (evil / tool).write_text("#!/bin/sh\n/bin/touch /tmp/evil-ran\n")
        (evil / tool).chmod(0o755)
    (evil / "script").write_text("/bin/touch /tmp/evil-ran\n")
    init = machine.root / "etc/init.d/walinuxagent"
    init.write_text(init.read_text().replace("case $1", "env >> /run/environment\ncase $1"))
    hostile = {"PATH": "/tmp/evil", "LD_PRELOAD": "/tmp/evil/x.so", "LD_LIBRARY_PATH": "/tmp/evil", "TMPDIR": "/tmp/evil",
               "LD_AUDIT": "/tmp/evil/x.so", "HOME": "/tmp/evil", "OPENSSL_CONF": "/tmp/evil/openssl.cnf",
               "OPENSSL_MODULES": "/tmp/evil", "ENV": "/tmp/evil/script", "BASH_ENV": "/tmp/evil/script",
               "HOSTALIASES": "/tmp/evil/hosts", "GCONV_PATH": "/tmp/evil", "LOCPATH": "/tmp/evil", "TZ": "/tmp/evil/tz",
               "BACKUP_REMEDIATION_STATE": "/tmp/evil/state", "IFS": "/", "XDG_DATA_HOME": "/tmp/evil",
               "LANG": "/tmp/evil", "LC_ALL": "/tmp/evil", "LC_CTYPE": "/tmp/evil", "LANGUAGE": "/tmp/evil"}
    words = [f"{name}={value}" for name, value in hostile.items()]
    trace = machine.root / "tmp/trace"
    for command in (FIX, ("undo",), ("diagnose",), ("capture", "--output", "/tmp/captured")):
        done = subprocess.run(["strace", "-o", trace, "-e", "trace=%file,%process", "chroot", machine.root, "/usr/bin/env",
                               "-i", *words, PROGRAM, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        require(done.returncode in (0, 1, 3), command, done.stdout, done.stderr)
        calls = trace.read_text(errors="replace")
        ours = calls[calls.index(f'execve("{PROGRAM}"'):].partition("\n")[2]
        require("/tmp/evil" not in ours, command, [line for line in ours.splitlines() if "evil" in line])
    require(not (machine.root / "tmp/evil-ran").exists(), "something of /tmp/evil ran")
    inherited = (machine.root / "run/environment").read_text()
    require("PATH=/usr/sbin:/usr/bin:/sbin:/bin" in inherited and "evil" not in inherited, inherited)


def test_closed_standard_streams(program):
    machine = broken_machine(program)
    subprocess.run(["chroot", machine.root, "/bin/sh", "-c", f"exec {PROGRAM} {' '.join(FIX)} <&- >&- 2>&-"], timeout=60)
    require(len(machine.journals()) == 1, "there is one run")
    for line in machine.journals()[0].read_text().splitlines():
        json.loads(line)
    for path in (machine.root / STATE).rglob("*"):
        require(not path.is_file() or b"Azure Backup pipeline" not in path.read_bytes(), f"output went into {path}")


def test_terminal_that_goes_away(program):
    machine = broken_machine(program)
    process = subprocess.Popen(machine.command(*FIX), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    process.stdout.close()
    while not machine.journals():
        time.sleep(0.001)
    for _ in range(20):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    process.wait(60)
    require(process.returncode >= 0, f"ended by signal {-process.returncode}")
    require("Extensions.Enabled=y" in (machine.root / "etc/waagent.conf").read_text(), "the fix is done all the same")


def test_no_core(program):
    machine = broken_machine(program)

    def with_cores():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        os.chdir(machine.root / "tmp")

    for pause in (0.01, 0.05, 0.1):
        process = subprocess.Popen(machine.command(*FIX), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, preexec_fn=with_cores)
        # No secret is in its memory before it has said that it wants no core.
        limits = pathlib.Path(f"/proc/{process.pid}/limits")
        while not re.search(r"^Max core file size +0 ", limits.read_text(), re.MULTILINE):
            time.sleep(0.001)
        time.sleep(pause)
        process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
        require(not os.WCOREDUMP(status), f"a core after {pause} s")


def test_secrets(program):
    """One in protected settings, one in what another extension says: looked for in every file, and while it runs in
    every command line and environment."""
    secrets = ("hunter2-protected", "hunter3-quoted")
    machine = broken_machine(program)
    machine.make_handler({"mode": "fix"})
    status = machine.root / LIBRARY / f"{SNAPSHOT}-{VERSION}/config/HandlerStatus"
    status.write_text(json.dumps({"name": SNAPSHOT, "status": "NotReady", "code": 1009,
                                  "message": f"upload to https://a.blob.example/c?sv=1&sig={secrets[1]}&x=1 failed"}))
    keys = machine.root / LIBRARY
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", keys / f"{THUMBPRINT}.prv",
                    "-out", keys / f"{THUMBPRINT}.crt", "-subj", "/CN=trust"], check=True, capture_output=True)
    plain = json.dumps({"password": secrets[0], "mode": {"secret": secrets[0]}, "only": [secrets[0], 7, [secrets[0]]],
                        secrets[0]: True, "errorCode": f"{secrets[0]} with blanks"})
    seen = machine.run("diagnose").stdout
    require("sig=REDACTED" in "".join(seen.split()), "the other extension's message is quoted", seen)
    for number, protected in enumerate((plain, json.dumps({"errorCode": "UserErrorGuestAgentStatusUnavailable"}), plain[:-2])):
        encrypted = subprocess.run(["openssl", "cms", "-encrypt", "-outform", "DER", "-aes256", keys / f"{THUMBPRINT}.crt"],
                                   input=protected.encode(), check=True, capture_output=True).stdout
        machine.set_settings(number, publicSettings={"mode": "fix"}, protectedSettingsCertThumbprint=THUMBPRINT,
                             protectedSettings=base64.b64encode(encrypted).decode())
        done = machine.enable(number)
        seen += done.stdout + done.stderr
        while machine.processes(f"{PROGRAM} supervise"):
            for process in machine.processes():
                for name in ("cmdline", "environ"):
                    try:
                        seen += pathlib.Path(f"/proc/{process}/{name}").read_text(errors="replace")
                    except OSError:
                        pass
        word = machine.word(number)
        require(word == ("success" if number == 1 else "error"), f"sequence {number} ended with {word}", seen)
    for command in (("diagnose",), ("diagnose", "--format", "json"), ("history",), ("undo",),
                    ("capture", "--output", "/tmp/captured")):
        done = machine.run(*command)
        seen += done.stdout + done.stderr
    status.unlink(missing_ok=True)
    where = [path for folder in ("etc", "opt", "run", "tmp", "var") for path in (machine.root / folder).rglob("*")
             if path.is_file() and not path.is_symlink()
             and any(secret.encode() in path.read_bytes() for secret in secrets)]
    where = [path for path in where if "quarantine" not in path.parts]  # the original, moved
    require(not where, *where)
    for secret in secrets:
        at = seen.find(secret)
        require(at < 0, f"{secret} was seen:", seen[max(0, at - 300):at + 300])


def test_planted_links(program):
    """In folders that somebody else can write to: nothing behind a link changes."""
    machine = broken_machine(program)
    machine.make_handler({"mode": "fix"})
    target = machine.root / "etc/target"
    elsewhere = machine.root / "srv/elsewhere"
    elsewhere.mkdir(parents=True)
    handler = machine.root / HANDLER
    log = machine.root / "var/log/trust"

    def enable_ends_with_nothing_behind_the_link(number):
        target.write_text("untouched")
        target.chmod(0o600)
        machine.set_settings(number, publicSettings={})
        machine.enable(number)
        machine.wait_until_idle()
        require(target.read_text() == "untouched", f"{number}: the link was followed")
        require(not list(elsewhere.iterdir()), f"{number}: files behind the link", *elsewhere.iterdir())

    log.mkdir()
    os.chown(log, SOMEBODY, SOMEBODY)
    (log / "events").symlink_to("/srv/elsewhere")
    for role in ("commands", "run"):
        (log / f"backup-remediation-{role}.log").symlink_to("/etc/target")
    enable_ends_with_nothing_behind_the_link(1)  # the log folder is somebody else's
    os.chown(log, 0, 0)
    log.chmod(0o777)
    enable_ends_with_nothing_behind_the_link(2)  # and here everybody's

    for path in log.iterdir():
        path.unlink()
    log.rmdir()
    log.symlink_to("/srv/elsewhere")
    os.chown(log, SOMEBODY, SOMEBODY, follow_symlinks=False)
    enable_ends_with_nothing_behind_the_link(3)  # the log folder is somebody's link
    log.unlink()

    (handler / "status/4.status").symlink_to("/etc/target")
    enable_ends_with_nothing_behind_the_link(4)

    # Somebody's link in the place of the state folder, of the output of a capture, of the extension's folder.
    (machine.root / STATE / "lock").unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", machine.root / STATE], check=True)
    (machine.root / STATE).symlink_to("/srv/elsewhere")
    os.chown(machine.root / STATE, SOMEBODY, SOMEBODY, follow_symlinks=False)
    done = machine.run(*FIX)
    require(done.returncode == 3 and not list(elsewhere.iterdir()), done.stdout, done.stderr)
    (machine.root / STATE).unlink()
    (machine.root / "tmp/captured").symlink_to("/srv/elsewhere")
    done = machine.run("capture", "--output", "/tmp/captured")
    require(not list(elsewhere.iterdir()), *elsewhere.rglob("*"), done.stdout, done.stderr)
    extension = machine.root / LIBRARY / f"{SNAPSHOT}-{VERSION}"
    subprocess.run(["rm", "-rf", extension], check=True)
    (elsewhere / "config").mkdir()
    (elsewhere / "config/HandlerState").write_text("NotInstalled")
    extension.symlink_to("/srv/elsewhere")
    machine.run(*FIX)
    require((elsewhere / "config/HandlerState").exists(), "what the link leads to is not quarantined")


def test_state_folder_is_closed(program):
    machine = broken_machine(program)
    state = machine.root / STATE
    for mode in (0o755, 0o711, 0o500):
        machine.reset()
        (state / "runs").mkdir()
        (state / "runs").chmod(0o755)
        state.chmod(mode)
        done = machine.run(*FIX)
        require(is_repaired(done.returncode, done.stdout), f"mode {mode:o}", done.stdout, done.stderr)
        for path in [state, *state.rglob("*")]:
            if "quarantine" not in path.parts[:-1] and path.is_dir():
                require(path.stat().st_mode & 0o7777 == 0o700, f"{path} has mode {path.stat().st_mode:o}")
    for path in (state, state / "runs"):
        machine.reset()
        path.mkdir(exist_ok=True)
        path.chmod(0o777)
        done = machine.run(*FIX)
        require(done.returncode == 3 and "can be written to by others" in done.stderr, done.stdout, done.stderr)
        require("Extensions.Enabled=n" in (machine.root / "etc/waagent.conf").read_text(), "nothing is changed then")
        state.chmod(0o700)


def test_two_at_once(program):
    """While a run waits for the agent to restart, neither another run nor an undo begins."""
    machine = broken_machine(program)
    init = machine.root / "etc/init.d/walinuxagent"
    original = init.read_text()
    init.write_text(original.replace("start) ", "start) until [ -e /tmp/go ]; do sleep 0.05; done; "))
    first = subprocess.Popen(machine.command(*FIX), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    while not machine.processes("walinuxagent start"):
        time.sleep(0.01)
    for command in (FIX, ("undo",)):
        done = machine.run(*command)
        require(done.returncode == 3 and "another run" in done.stderr, command, done.stdout, done.stderr)
    require(machine.run("history").returncode == 0, "looking is possible")
    (machine.root / "tmp/go").touch()
    report, _ = first.communicate(timeout=60)
    require(is_repaired(first.returncode, report), "the first run ends well", report)
    require(machine.run("undo").returncode == 0, "now it can be undone")


def test_while_a_backup_runs(program):
    machine = broken_machine(program)
    before = machine.snapshot()
    script = machine.root / "opt" / f"{SNAPSHOT}-{VERSION}"
    script.write_text("while :; do sleep 1; done\n")
    before[f"opt/{script.name}"] = machine.snapshot()[f"opt/{script.name}"]

    def backup():
        return subprocess.Popen(["chroot", machine.root, "/bin/sh", f"/opt/{script.name}"], stdin=subprocess.DEVNULL)

    running = backup()
    while not machine.processes("/opt/Microsoft"):
        time.sleep(0.01)
    done = machine.run(*FIX)
    require(done.returncode == 1 and "a backup is running" in " ".join(done.stdout.split()), done.stdout)
    require(not differences(before, machine.snapshot()), *differences(before, machine.snapshot()))
    running.kill()
    running.wait()

    done = machine.run(*FIX)
    require(is_repaired(done.returncode, done.stdout), "afterwards it is fixed", done.stdout, done.stderr)
    fixed = machine.snapshot()
    journal = machine.journals()[0]
    running = backup()
    done = machine.run("undo")
    require(done.returncode == 3 and "a backup is running" in done.stderr, done.stderr)
    # A run that was cut short is not taken back under a backup either.
    journal.write_text("".join(line + "\n" for line in journal.read_text().splitlines()[:3]))
    machine.run(*FIX)
    require(not differences(fixed, machine.snapshot()), *differences(fixed, machine.snapshot()))
    running.kill()
    running.wait()


def test_backup_that_starts_meanwhile(program):
    """The fix in progress ends; none begins after it."""
    machine = broken_machine(program)
    before = machine.snapshot()
    init = machine.root / "etc/init.d/walinuxagent"
    original = init.read_text()
    init.write_text(original.replace("start) ", "start) until [ -e /tmp/go ]; do sleep 0.05; done; "))
    run = subprocess.Popen(machine.command(*FIX), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    while not machine.processes("walinuxagent start"):
        time.sleep(0.01)
    script = machine.root / "tmp" / f"{SNAPSHOT}-{VERSION}"
    script.write_text("while :; do sleep 1; done\n")
    backup = subprocess.Popen(["chroot", machine.root, "/bin/sh", f"/tmp/{script.name}"], stdin=subprocess.DEVNULL)
    (machine.root / "tmp/go").touch()
    report = run.communicate(timeout=60)[0]
    require(run.returncode == 1 and "a backup is running" in " ".join(report.split()), report)
    backup.kill()
    backup.wait()
    for path in (machine.root / "tmp/go", script):
        path.unlink()
    init.write_text(original)
    changed = [line.partition(":")[0] for line in differences(before, machine.snapshot())]
    require(changed == ["etc/waagent.conf", "run/agent-loaded"], changed)


def test_dry_run_says_what_the_run_does(program):
    machine = broken_machine(program)
    network = "wire-server-route-missing,wire-server-unreachable"  # it has none, which explains the extension's state

    def changes(*options):
        report = json.loads(machine.run("fix", "--format", "json", "--exclude", network, *options).stdout)
        return {finding["id"]: finding["changes"] for finding in report["findings"] if finding["changes"]}

    for with_an_origin in (False, True):  # of which the extension's state is a consequence
        machine.reset()
        if with_an_origin:
            (machine.root / LIBRARY / "disable_agent").touch()
        before = machine.snapshot()
        planned = changes("--dry-run")
        require(not differences(before, machine.snapshot()) and not machine.journals(), "a dry run changes nothing")
        done = changes()
        require(planned == done and len(done) >= 2, planned, done)
        require(with_an_origin != ("backup-extension-state" in done), done)


def test_everything_is_on_the_disk_in_order(program):
    """Before a change its journal line is synced; before the next line the folders that it changed are."""
    machine = broken_machine(program)
    trace = machine.root / "tmp/trace"
    machine.run(*FIX, wrapper=("strace", "-qq", "-y", "-o", trace, "-e",
                               "trace=write,fsync,renameat,renameat2,unlinkat,mkdirat"))
    journal_unsynced = False
    folders = set()
    lines = 0
    for call in trace.read_text(errors="replace").splitlines():
        if call.startswith("write(") and "journal.jsonl>" in call:
            require(not folders, f"not synced before the next line: {folders}", call)
            journal_unsynced, lines = True, lines + 1
        elif match := re.match(r"fsync\(\d+<([^>]*)>", call):
            journal_unsynced = journal_unsynced and not match[1].endswith("journal.jsonl")
            folders.discard(match[1])
        elif re.match(r"(renameat2?|unlinkat|mkdirat)\(", call):
            require(not journal_unsynced, "changed before the journal was synced", call)
            folders |= set(re.findall(r"\d+<([^>]*)>, \"", call))
    require(lines > 5 and not folders, f"{lines} lines", folders)


def measured(machine, *command):
    """Seconds of processor time, and the most memory in MiB."""
    process = subprocess.Popen(machine.command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    require(not os.WIFSIGNALED(status), f"ended by signal {status & 0x7f}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def test_many_mounts(program):
    machine = broken_machine(program)
    folder = machine.root / "srv/m"
    folder.mkdir(parents=True)
    libc = ctypes.CDLL(None, use_errno=True)
    bind = 4096
    figures = []
    count = 0
    for wanted in (1000, 10000):
        for count in range(count, wanted):
            point = folder / str(count)
            point.touch()
            require(libc.mount(str(folder / "0").encode(), str(point).encode(), None, bind, None) == 0, ctypes.get_errno())
        figures.append(measured(machine, "diagnose"))
    (few_seconds, few_memory), (many_seconds, many_memory) = figures
    note = f"1,000: {few_seconds:.2f} s, {few_memory:.0f} MiB; 10,000: {many_seconds:.2f} s, {many_memory:.0f} MiB"
    require(many_seconds < 15 * few_seconds + 1 and many_memory < few_memory + 100, note)
    return note


def test_huge_log(program):
    """Up to 10 GiB, in which each MiB has a line of a backup's; sparse, so that it fits into memory."""
    machine = broken_machine(program)
    log = machine.root / "var/log/waagent.log"
    mebibyte = 1 << 20
    figures = []
    written = 0
    for gibibytes in (1, 10):
        with log.open("r+b" if log.exists() else "wb") as file:
            for written in range(written, gibibytes * 1024):
                file.seek(written * mebibyte)
                file.write(b"\n2026-11-21T02:14:03.000000Z INFO ExtHandler ****** 1. Starting Freeze Binary\n")
            file.truncate(gibibytes * 1024 * mebibyte)
        figures.append(measured(machine, "diagnose"))
    (few_seconds, few_memory), (many_seconds, many_memory) = figures
    note = f"1 GiB: {few_seconds:.2f} s, {few_memory:.0f} MiB; 10 GiB: {many_seconds:.2f} s, {many_memory:.0f} MiB"
    require(many_seconds < 15 * few_seconds + 1 and many_memory < few_memory + 20, note)
    return note


def test_many_and_deep_things(program):
    """A thousand versions of the extension and a thousand other ones, JSON as deep as a file allows, a line without
    end."""
    machine = broken_machine(program)
    library = machine.root / LIBRARY
    for number in range(1000):
        (library / f"{SNAPSHOT}-1.0.{number}.0/config").mkdir(parents=True)
        other = library / f"Somebody.Extension{number}-1.0.0"
        (other / "config").mkdir(parents=True)
        (other / "config/HandlerState").write_text("Enabled")
        (other / "config/HandlerStatus").write_text('{"status": "NotReady", "code": 1, "message": "' + "x" * 10_000 + '"}')
    status = library / f"{SNAPSHOT}-{VERSION}/config/HandlerStatus"
    status.write_text("[" * 1_000_000)
    (machine.root / "etc/waagent.conf").write_text("Extensions.Enabled=n" + "x" * 3_000_000)
    done = machine.run("diagnose", "--format", "json")
    require(done.returncode in (0, 1, 3) and json.loads(done.stdout), done.returncode, done.stderr)
    seconds, memory = measured(machine, "diagnose")
    require(seconds < 20 and memory < 300, f"{seconds:.2f} s, {memory:.0f} MiB")
    return f"{seconds:.2f} s, {memory:.0f} MiB"
