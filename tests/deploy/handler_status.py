#!/usr/bin/python3
"""Prints the status files that the real handler writes on the broken machine in memory of tests/trust.

    handler_status.py PROGRAM < [{settings of the first run}, {of the second}, ...]

To be started in namespaces of its own (network, mounts, processes).
"""

import json
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/trust"))

import private_machine


def main(program):
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    machine = private_machine.Machine(program)
    machine.reset()
    found = []
    machine.make_handler({})
    for number, settings in enumerate(json.load(sys.stdin)):
        machine.set_settings(number, publicSettings=settings)
        machine.enable(number)
        if problem := machine.wait_until_idle():
            raise SystemExit(problem)
        status = machine.root / private_machine.HANDLER / f"status/{number}.status"
        found.append(json.loads(status.read_text())[0]["status"])
    machine.kill_processes()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
