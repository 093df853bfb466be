"""Kills and fails the real executable at every place where it changes something, then runs it again or undoes: the
machine must be as before or as fixed, the journal readable, the status final."""

import os
import random
import re
import shutil
import signal
import subprocess
import time

from private_machine import HANDLER, PROGRAM, Machine, differences, is_repaired

REPAIRED = ["extensions-disabled", "backup-extension-state", "script-permissions"]
# The extension's state is a consequence of a library that is mounted noexec, so no run repairs both.
WITH_REMOUNT = ["extensions-disabled", "agent-library-noexec", "script-permissions"]
CUT_OFF = ["extensions-disabled", "agent-not-running", "guest-firewall-blocks-wire-server"]


def fix_command(repaired):
    return "fix", "--max-disruption", "workload", "--allow-security-changes", "--only", ",".join(repaired)


FIX = fix_command(REPAIRED)
SETTINGS = {"mode": "fix", "maxDisruption": "workload", "allowSecurityChanges": True, "only": REPAIRED}

# Every call by which the program changes something or waits for somebody who does.
CALLS = ("write pwrite64 fsync ftruncate mkdirat mkdir openat renameat renameat2 rename unlinkat unlink fchmod fchmodat "
         "chmod fchown fchownat lsetxattr setxattr lremovexattr utimensat symlinkat mknodat clone clone3 vfork wait4 "
         "kill").split()
KNOWN_CALLS = ",".join(f"?{call}" for call in CALLS)
FAILING = ("write pwrite64 fsync ftruncate mkdirat openat renameat renameat2 unlinkat fchmod fchmodat fchown fchownat "
           "lsetxattr utimensat symlinkat mknodat").split()
ERRORS = ("ENOSPC", "EIO", "EROFS")


class Crash:
    def __init__(self, program, repaired=REPAIRED, **machine):
        self.machine = Machine(program, **machine)
        self.fix = fix_command(repaired)
        self.tried = {}
        self.losses = []
        self.machine.reset()
        self.before = self.machine.snapshot()
        start = time.monotonic()
        self.fix_points = self.points(*self.fix)
        self.fixed = self.machine.snapshot()
        if self.fixed == self.before:
            raise RuntimeError("the run fixed nothing: " + self.machine.run(*self.fix).stdout)
        self.undo_points = self.points("undo")
        self.duration = (time.monotonic() - start) / 2
        self.expect("an undisturbed undo", self.before)

    def points(self, *command):
        """(call, its number among its like) for each change that an undisturbed run makes in its main thread."""
        log = self.machine.root / "tmp/trace"
        done = self.machine.run(*command, wrapper=("strace", "-qq", "-o", log, "-e", f"trace={KNOWN_CALLS}"))
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        lines = log.read_text(errors="replace").splitlines()
        log.unlink()
        count, points = {}, []
        for line in lines:
            match = re.match(r"(\w+)\(", line)
            if not match:
                continue
            call = match[1]
            count[call] = count.get(call, 0) + 1
            if call != "openat" or "O_CREAT" in line:
                points.append((call, count[call]))
        return points

    def attempt(self, name, disturb, finish):
        """One try: a broken (or fixed) machine, a disturbed command, and how it is gone on with."""
        self.tried[name] = self.tried.get(name, 0) + 1
        what = disturb()
        # What it started may run on without it; whoever comes next comes later.
        deadline = time.monotonic() + 5
        while self.machine.processes("init.d/") and time.monotonic() < deadline:
            time.sleep(0.01)
        problems = self.finish(finish)
        if problems:
            self.lose(f"{name}, {what}, then {finish}", problems)

    def finish(self, how):
        run = self.machine.run
        history = run("history")
        problems = []
        if history.returncode != 0 or "cannot be read" in history.stdout:
            problems.append(f"history: {history.stdout}{history.stderr}")
        if how == "again":
            again = run(*self.fix)
            if not is_repaired(again.returncode, again.stdout):
                problems.append(f"fix again: exit code {again.returncode}\n{again.stdout[-3000:]}{again.stderr}")
            problems += differences(self.fixed, self.machine.snapshot())
        runs = len(self.machine.journals())
        for count in range(runs + 1):
            undone = run("undo")
            if undone.returncode != 0 or count == runs and "nothing to take back" not in undone.stdout:
                problems.append(f"undo: exit code {undone.returncode}\n{undone.stdout}{undone.stderr}")
        problems += differences(self.before, self.machine.snapshot())
        for journal in self.machine.journals():
            run("undo", journal.parent.name)
        problems += differences(self.before, self.machine.snapshot())
        return problems

    def expect(self, name, expected):
        if problems := differences(expected, self.machine.snapshot()):
            self.lose(name, problems)

    def lose(self, what, problems):
        self.losses.append(what)
        print(f"lost: {what}:\n    " + "\n    ".join(problems), flush=True)

    def broken(self):
        self.machine.reset()

    def repaired(self):
        self.machine.reset()
        done = self.machine.run(*self.fix)
        if not is_repaired(done.returncode, done.stdout):
            raise RuntimeError(f"the run to undo failed: {done.stdout}{done.stderr}")

    def injected(self, prepare, command, injection):
        def disturb():
            prepare()
            self.machine.run(*command, wrapper=("strace", "-qq", "-o", "/dev/null", "-e", f"trace={KNOWN_CALLS}",
                                                "-e", f"inject={injection}"))
            return injection
        return disturb

    def killed_sometime(self, prepare, command):
        def disturb():
            prepare()
            after = random.uniform(0, self.duration)
            process = subprocess.Popen(self.machine.command(*command), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return f"killed after {after:.6f} s"
        return disturb

    def run(self, share, random_kills):
        """`share` of 1 tries every point."""
        ways = ("again", "undo")
        turn = 0

        def chosen(points):
            return points if share >= 1 else random.sample(points, max(1, int(len(points) * share)))

        for prepare, command, points in ((self.broken, self.fix, self.fix_points),
                                         (self.repaired, ("undo",), self.undo_points)):
            endings = ways if command == self.fix else ("undo",)
            for call, number in chosen(points):
                for how in endings if share >= 1 else [endings[turn % len(endings)]]:
                    self.attempt(f"{command[0]} killed at a call",
                                 self.injected(prepare, command, f"{call}:signal=SIGKILL:when={number}"), how)
                turn += 1
            failing = [(call, number) for call, number in points if call in FAILING]
            for error in ERRORS:
                for call, number in chosen(failing):
                    self.attempt(f"{command[0]} with one failure",
                                 self.injected(prepare, command, f"{call}:error={error}:when={number}"),
                                 endings[turn % len(endings)])
                    turn += 1
            lasting = [point for point in failing if point[0] in ("write", "fsync", "renameat", "renameat2")]
            for call, number in chosen(lasting):
                self.attempt(f"{command[0]} with failures from then on",
                             self.injected(prepare, command, f"{call}:error={random.choice(ERRORS)}:when={number}+"),
                             endings[turn % len(endings)])
                turn += 1
        for count in range(random_kills):
            if count % 4:
                self.attempt("fix killed sometime", self.killed_sometime(self.broken, self.fix), ways[count % 2])
            else:
                self.attempt("undo killed sometime", self.killed_sometime(self.repaired, ("undo",)), "undo")


class WorkerCrash(Crash):
    """The same under the guest agent's commands: worker, supervisor or both are killed."""

    def broken(self):
        self.machine.reset()
        self.machine.make_handler(SETTINGS)

    def one(self, victims):
        self.broken()
        self.machine.enable()
        time.sleep(random.uniform(0, self.duration))
        for victim in victims:
            for process in self.machine.processes(f"{PROGRAM} {victim}"):
                os.kill(process, signal.SIGKILL)
        return f"{' and '.join(victims)} killed"

    def run(self, share, random_kills):
        for count in range(random_kills):
            victims = (("worker",), ("supervise",), ("supervise", "worker"))[count % 3]
            self.attempt(f"{' and '.join(victims)} killed sometime", lambda: self.one(victims),
                         ("again", "undo")[count // 3 % 2])

    def finish(self, how):
        problems = [problem for problem in [self.machine.wait_until_idle()] if problem]
        if self.machine.word() in (None, "transitioning"):
            again = self.machine.enable()  # as the agent does after its next start
            if again.returncode != 0:
                problems.append(f"enable: {again.stdout}{again.stderr}")
            problems += [problem for problem in [self.machine.wait_until_idle()] if problem]
        if self.machine.word() in (None, "transitioning"):
            problems.append(f"the status stays {self.machine.word()}")
        shutil.rmtree(self.machine.root / HANDLER)
        return problems + super().finish(how)


TESTS = {"crash on one file system": Crash,
         "crash across two file systems": lambda program: Crash(program, library_options="nosuid"),
         "crash with a remount": lambda program: Crash(program, WITH_REMOUNT, library_options="noexec,nosuid,noatime"),
         "crash under the guest agent": WorkerCrash,
         "crash with services and a firewall": lambda program: Crash(program, CUT_OFF, cut_off=True)}
