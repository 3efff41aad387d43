"""Checks of the folder of history and checkpoints: who may read it, and whether its disk is permanent."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leadflow.check.rows import Checklist, Finding, failed, warning

_FOLDER, _DISK = "Folder", "Folder's disk"
_LITTLE_BYTES = 1_000_000_000
_SYNCED = ("onedrive", "dropbox", "google drive", "googledrive", "my drive", "icloud", "mobile documents", "box sync")
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre"}
_IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}
_KEEP = "Set LEADFLOW_HOME to a folder on a disk that stays"
_LOST = "without it a job that broke off cannot be resumed, and what it paid for is paid again"


@dataclass(frozen=True)
class Place:
    """The place of a folder: the environment variables, and the type of the file system at a path ("" if unknown)."""

    environment: Mapping[str, str]
    file_system: Callable[[Path], str]
    has_file: Callable[[str], bool] = os.path.exists


def add_disk_rows(home: Path, checklist: Checklist) -> None:
    """Add the rows about the folder."""
    folder = home.expanduser().resolve()
    checklist.add(_FOLDER, lambda: _privacy(folder), f"Have {folder} given to you, or name another in LEADFLOW_HOME.")
    place = Place(os.environ, file_system)
    checklist.add(_DISK, lambda: _disk(folder, place), needs=(_FOLDER,))


def _privacy(folder: Path) -> Finding:
    if sys.platform == "win32":
        return Finding(f"{folder}, with the permissions of its parent folder")
    mode = stat.S_IMODE(folder.stat().st_mode)
    open_files = [path.name for path in sorted(folder.iterdir()) if _others_may_read(path)]
    if not os.access(folder, os.W_OK | os.X_OK):
        return failed(f"{folder} (mode {mode:o}) cannot be written", "Name another folder in LEADFLOW_HOME.")
    if not mode & 0o077:
        return Finding(f"{folder} (mode {mode:o}), which only you can open")
    also = f", and read {', '.join(open_files)}" if open_files else ""
    return warning(
        f"others on this machine can open {folder} (mode {mode:o}){also}; people's data is in it until a job is done",
        f"Run chmod 700 {folder}. If the mode does not change, its disk knows no permissions: name another folder in "
        "LEADFLOW_HOME.",
    )


def _others_may_read(path: Path) -> bool:
    try:
        return path.is_file() and bool(path.stat().st_mode & 0o044)
    except OSError:
        return False


def _disk(folder: Path, place: Place) -> Finding:
    free = shutil.disk_usage(folder).free
    if doubt := _doubt(folder, place):
        return warning(*doubt)
    if free < _LITTLE_BYTES:
        return warning(f"{free / 1e6:,.0f} MB are free", f"Make room, or set {_KEEP[4:]}.")
    return Finding(f"{free / 1e9:,.0f} GB are free; nothing says that this disk goes away")


def _doubt(folder: Path, place: Place) -> tuple[str, str] | None:
    """Return why the disk may lose the folder, and what to do; None if the disk seems permanent."""
    if hosted := _hosted(folder, place):
        product, advice = hosted
        return f"{folder} is on the disk of {product}, which goes away with its session: {_LOST}", advice
    if place.environment.get(_DATABRICKS) and folder.as_posix().startswith(_NO_RANDOM_WRITES):
        return (
            f"{folder} takes no writes into the middle of a file, which SQLite and DuckDB need",
            f"Set LEADFLOW_HOME to a folder on the driver's disk; {_COPY.format('/Volumes')}.",
        )
    kind, lowered = place.file_system(folder), str(folder).lower()
    if kind in _IN_MEMORY:
        return f"{folder} is in memory ({kind}), which a restart empties: {_LOST}", f"{_KEEP}."
    if kind == "overlay":
        return (
            f"{folder} is on the disk of a container, which goes away with it: {_LOST}",
            f"{_KEEP}, a mounted volume.",
        )
    if kind in _NETWORK or kind.startswith("fuse."):
        return (
            f"{folder} is on a network disk ({kind}), where the locks of SQLite and DuckDB may not hold",
            "Set LEADFLOW_HOME to a folder on a local disk; at the least, never use it from two machines at once.",
        )
    if name := next((name for name in _SYNCED if name in lowered), None):
        return (
            f"{folder} is synchronized ({name}): people's data is copied elsewhere, and files may change during a job",
            "Set LEADFLOW_HOME to a folder that is not synchronized.",
        )
    return None


def _hosted(folder: Path, place: Place) -> tuple[str, str] | None:
    """Return the hosted product that deletes the folder's disk, and what to do; None if there is none."""
    for product, is_here, mounted, advice in _PRODUCTS:
        if is_here(place):
            return None if folder.as_posix().startswith(mounted) else (product, advice)
    return None


def _variable(*names: str) -> Callable[[Place], bool]:
    return lambda place: any(place.environment.get(name) for name in names)


def _in_snowflake(place: Place) -> bool:
    """Return whether this is a Snowflake container. Those of notebooks and Workspaces have a token file."""
    return place.has_file("/snowflake/session/token")


_DATABRICKS = "DATABRICKS_RUNTIME_VERSION"
_NO_RANDOM_WRITES = ("/Volumes/", "/dbfs/")
_COPY = "copy it to {} after each job, and back before a resume"
# For each product: its name, the test that detects it, the folders on permanent storage, and what to do.
# Sources: https://docs.databricks.com/aws/en/volumes/volume-files (no random writes to volumes),
# https://research.google.com/colaboratory/faq.html
_PRODUCTS: tuple[tuple[str, Callable[[Place], bool], tuple[str, ...], str], ...] = (
    (
        "Snowflake (Workspaces, notebooks)",
        _in_snowflake,
        ("/mnt/",),
        f"{_KEEP}, such as a block volume; or {_COPY.format('a stage')}.",
    ),
    (
        "Google Colab",
        _variable("COLAB_RELEASE_TAG", "COLAB_GPU", "COLAB_JUPYTER_IP"),
        ("/content/drive/",),
        f"Mount your Drive, and {_COPY.format('it')}; or work where the disk stays.",
    ),
    (
        "the Databricks driver",
        _variable(_DATABRICKS),
        _NO_RANDOM_WRITES,
        "Copy it to /Volumes after each job, and back before a resume.",
    ),
    ("Kaggle", _variable("KAGGLE_KERNEL_RUN_TYPE"), (), "Work where the disk stays."),
    ("Binder", _variable("BINDER_LAUNCH_HOST", "BINDER_SERVICE_HOST"), (), "Work where the disk stays."),
    ("AWS Lambda", _variable("AWS_LAMBDA_FUNCTION_NAME"), ("/mnt/",), f"{_KEEP}, such as a mounted EFS folder."),
    ("Google Cloud Run", _variable("K_SERVICE", "CLOUD_RUN_JOB"), ("/mnt/",), f"{_KEEP}, such as a mounted volume."),
)


def file_system(folder: Path) -> str:
    """Return the type of the folder's file system from /proc/mounts; "" on a system without that file."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [line.split()[1:3] for line in lines if len(line.split()) > 3]
    around = [(path.replace("\\040", " "), kind) for path, kind in mounts]
    there = [(path, kind) for path, kind in around if folder.is_relative_to(path)]
    return max(there, key=lambda mount: len(mount[0]))[1] if there else ""
