"""Extension packages: the zips that a publisher uploads and the guest agent unpacks."""

import io
import json
import os
import pathlib
import zipfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SNAPSHOT_EXTENSION = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"


class NoPackage(Exception):
    pass


def handler_package():
    """Name, version and bytes of the handler's zip as scripts/package made it.

    With BACKUP_REMEDIATION_BINARY set, its executables are replaced by that one, to try a build without packaging it.
    """
    folder = pathlib.Path(os.environ.get("BACKUP_REMEDIATION_DIST", REPOSITORY / "dist"))
    packages = sorted(folder.glob("*BackupRemediationLinux__*.zip"))
    if not packages:
        raise NoPackage(f"no package in {folder}: run scripts/package first")
    name, version = packages[-1].stem.split("__")
    content = packages[-1].read_bytes()
    if binary := os.environ.get("BACKUP_REMEDIATION_BINARY"):
        files = _unzip(content)
        executable = pathlib.Path(binary).read_bytes()
        content = zipped({file: executable if data.startswith(b"\x7fELF") else data for file, data in files.items()})
    return name, version, content


def next_version(version):
    """1.0.0.0 -> 1.0.0.1; the same zip under a higher version is an update to the agent."""
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


def _unzip(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
