#!/usr/bin/python3
"""What others can put into a VM to hurt whoever looks at it; stays until it is killed.

    hostile.py words COUNT      processes of another user with 100,000 words each
    hostile.py processes COUNT  processes of another user that sleep
    hostile.py mount FOLDER     a file system that nobody serves, as a dead NFS server's

Writes its process number to /run/hostile.pid once all is there; what it started ends with it.
"""

import ctypes
import os
import pathlib
import signal
import stat
import sys

USER = 12345


def start(count, become):
    reader, writer = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            os.close(reader)
            os.setgroups([])
            os.setuid(USER)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, which a change of user clears
            become(writer)
    os.close(writer)
    os.read(reader, 1)  # ends when each has closed it


def wait_with_words(writer):
    quiet, silent = os.pipe()
    for end in (quiet, silent):
        os.set_inheritable(end, True)
    os.dup2(quiet, 0)
    os.execv("/bin/sh", ["waagent", "-c", "read x; :", "-daemon", *[""] * 100_000])


def sleep(writer):
    os.close(writer)
    while True:
        signal.pause()


def mount(folder):
    if not os.path.exists("/dev/fuse"):  # a container's /dev is its own
        os.mknod("/dev/fuse", 0o600 | stat.S_IFCHR, os.makedev(10, 229))
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    os.makedirs(folder, exist_ok=True)
    if ctypes.CDLL(None, use_errno=True).mount(b"dead", folder.encode(), b"fuse", 0, options) != 0:
        sys.exit(f"cannot mount {folder}: {os.strerror(ctypes.get_errno())}")


def main():
    kind, value = sys.argv[1:]
    if kind == "mount":
        mount(value)
    else:
        start(int(value), {"words": wait_with_words, "processes": sleep}[kind])
    pathlib.Path("/run/hostile.new").write_text(str(os.getpid()))
    os.rename("/run/hostile.new", "/run/hostile.pid")
    signal.pause()


if __name__ == "__main__":
    main()
