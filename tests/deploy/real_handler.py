"""Runs the real handler on a machine in memory (handler_status.py)."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from manifest import REPOSITORY

PROGRAM = pathlib.Path(os.environ.get("BACKUP_REMEDIATION_BINARY") or REPOSITORY / "build/linux-x64/backup-remediation")


def statuses_of_handler(settings):
    """What the handler reports for each of these settings, one run after another."""
    if not is_root() or not PROGRAM.exists() or not shutil.which("unshare"):
        raise unittest.SkipTest("needs root and the handler (scripts/build)")
    result = subprocess.run(["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc",
                             sys.executable, "-B", REPOSITORY / "tests/deploy/handler_status.py", PROGRAM],
                            input=json.dumps(settings), capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


def is_root():
    """Not only in a user namespace of its own, as tests/deploy/run makes one for everybody else."""
    return os.geteuid() == 0 and pathlib.Path("/proc/self/uid_map").read_text().split()[2] == "4294967295"
