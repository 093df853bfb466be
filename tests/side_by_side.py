"""Runs the unittests of a folder side by side, a few at a time in namespaces of their own: they mostly wait."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import unittest

INSIDE = "--inside"


def main(run, description, namespaces, prepare=lambda: None, folders=()):
    """Of a script `run` whose folder has the *_test.py. `namespaces`: options of unshare; `prepare` is called within
    them; `folders`: where imports are found. Returns the exit code; the last line is "N passed, N failed, N skipped"."""
    run = pathlib.Path(run).resolve()
    os.chdir(run.parent)
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(run.parent), *map(str, folders)]
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only this: module, module.Class or module.Class.test")
    parser.add_argument("--jobs", type=int, default=4, help="how many groups run at once (default 4)")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(arguments.names) if arguments.names else loader.discover(".", pattern="*_test.py")
    if arguments.inside:
        prepare()
        return run_here(suite)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    start = ["unshare", *user, *namespaces, sys.executable, "-B", run, INSIDE]
    groups = groups_of(tests_in(suite))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_group, start, names) for names in groups]):
            output, found = done.result()
            print(output, flush=True)
            for kind in counts:
                counts[kind] += found[kind]
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if counts["failed"] else 0


def tests_in(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_in(each)
        else:
            yield each


def groups_of(tests):
    """A class that prepares something once stays together; of others, two tests share the start of a process."""
    groups = {}
    for test in tests:
        kind = type(test)
        prepares = kind.setUpClass.__func__ is not unittest.TestCase.setUpClass.__func__
        of_class = groups.setdefault(kind, [[]])
        if not prepares and len(of_class[-1]) == 2:
            of_class.append([])
        of_class[-1].append(test.id())
    return sorted((group for of_class in groups.values() for group in of_class), key=len, reverse=True)


def run_group(start, names):
    ran = subprocess.run([*start, *names], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         errors="replace")
    *output, last = ran.stdout.strip().splitlines() or [""]
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
    if not counts:  # it did not come to its end
        return f"{ran.stdout}\n{names[0]} and others: exit code {ran.returncode}", {"passed": 0, "failed": len(names), "skipped": 0}
    return "\n".join(output), dict(zip(("passed", "failed", "skipped"), map(int, counts.groups())))


def run_here(suite):
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})  # subtests count once
    skipped = len(result.skipped)
    ran = result.testsRun - sum(isinstance(test, unittest.TestCase) for test, _ in result.skipped)  # others are classes
    sys.stderr.flush()
    print(f"{ran - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
