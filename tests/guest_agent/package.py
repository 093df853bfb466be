"""Extension packages: the zips that a publisher uploads and the guest agent unpacks."""

import io
import json
import os
import pathlib
import platform
import re
import shutil
import zipfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SNAPSHOT_EXTENSION = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"


class NoPackage(Exception):
    pass


def handler_package():
    """Name, version and bytes of the handler's zip: the newest that scripts/package left in dist/.

    To try an executable without packaging it, name it in BACKUP_REMEDIATION_BINARY.
    """
    if binary := os.environ.get("BACKUP_REMEDIATION_BINARY"):
        identity = json.loads((REPOSITORY / "manifest/identity.json").read_text())
        version = re.search(r"project\(.* VERSION ([0-9.]+)", (REPOSITORY / "CMakeLists.txt").read_text()).group(1)
        files = {"HandlerManifest.json": (REPOSITORY / "manifest/HandlerManifest.linux.json").read_bytes(),
                 f"bin/{platform.machine()}/backup-remediation": pathlib.Path(binary).read_bytes()}
        return f"{identity['publisher']}.{identity['types']['linux']}", version, zipped(files)

    packages = list((REPOSITORY / "dist").glob("*Linux__*.zip"))
    if not packages:
        raise NoPackage("no package in dist/: run scripts/package --local first")
    newest = max(packages, key=lambda package: package.stat().st_mtime)
    return *newest.stem.split("__"), newest.read_bytes()


def next_version(version):
    """1.0.0.0 -> 1.0.0.1; to the agent the same zip under a higher version is an update."""
    *major, last = version.split(".")
    return ".".join([*major, str(int(last) + 1)])


def zipped(files):
    """A zip of {path: bytes or str}; everything in it is executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, data in files.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = 0o755 << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def snapshot_extension(script):
    """A stand-in for Azure Backup's snapshot extension: `script` is run with the command's name as its argument."""
    commands = ("install", "enable", "update", "disable", "uninstall")
    manifest = {f"{command}Command": f"main/handle.sh {command}" for command in commands}
    manifest |= {"rebootAfterInstall": False, "reportHeartbeat": False}
    return zipped({"HandlerManifest.json": json.dumps([{"name": "VMSnapshotLinux", "version": 1.0,
                                                        "handlerManifest": manifest}]),
                   "main/handle.sh": script})


def backup_extension():
    """A more complete one, which reads its configuration, freezes, and logs; see snapshot_extension/main/handle.py."""
    folder = pathlib.Path(__file__).resolve().parent / "snapshot_extension"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    safefreeze = "safefreezeArm64" if platform.machine() == "aarch64" else "safefreeze"
    return zipped(files | {f"main/{safefreeze}/bin/safefreeze": pathlib.Path(shutil.which("fsfreeze")).read_bytes()})
