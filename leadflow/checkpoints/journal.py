"""The journal: answers that have come in and are not yet in the checkpoints' tables.

It is a file mapped into memory. Adding a record takes microseconds, and the record survives a kill of the process. A
record is its length, its CRC-32 and its bytes. The file has its full size from the start, so that a full disk cannot
stop a write.
"""

from __future__ import annotations

import mmap
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

_SIZE = 4 << 20
# Beyond this size, records that were handed over are wiped even if other threads have to wait. So most of the file
# stays free for answers that come in while the disk is full, and forgotten persons do not stay in it for long.
_WIPE_ABOVE = _SIZE // 4
_HEAD = struct.Struct("<II")
_SUFFIX = ".answers"
# Zeros are written in pieces. Once libc has freed a block of 4 MB, it returns smaller ones to the system more seldom.
_ZEROS = bytes(1 << 16)


class Journal:
    """The journal of one process for a store. Safe to use from many threads.

    Raises OSError if there is no room for its file, and NotImplementedError if files cannot be locked.
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(f"{store.name}-{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}")
        self._owner = _owner_of(self.path)
        self._owner.acquire()
        self._lock, self._handover = threading.Lock(), threading.Lock()
        self._end = self._handed = 0
        try:
            with open(self.path, "x+b", opener=_private) as file:
                _write_zeros(file, _SIZE)
                file.flush()
                self._map = mmap.mmap(file.fileno(), _SIZE)
        except BaseException:
            _remove(self.path, self._owner)
            raise

    def add(self, record: bytes) -> bool:
        """Add a record. Return False if there is no room for it, or if the journal is closed."""
        size = _HEAD.size + len(record)
        with self._lock:
            if self._map.closed or self._end + size > _SIZE:
                return False
            # The head is written last. Without it, the bytes behind it are no record.
            self._map[self._end + _HEAD.size : self._end + size] = record
            self._map[self._end : self._end + _HEAD.size] = _HEAD.pack(len(record), zlib.crc32(record))
            self._end += size
        return True

    def hand_over(self, write: Callable[[list[bytes]], None]) -> None:
        """Call `write` with the records that it has not had yet. Other threads may add records meanwhile.

        If no thread did, wipe all records. If more than a quarter of the file is used, do the same as `empty`.
        """
        if self._end > _WIPE_ABOVE:
            self.empty(write)
            return
        with self._handover:
            with self._lock:
                end = self._end
                new = b"" if self._map.closed else self._map[self._handed : end]
            if new:
                write(list(_records(new)))
                with self._lock:
                    self._handed = end
                    if self._end == end:
                        self._wipe()

    def empty(self, write: Callable[[list[bytes]], None]) -> None:
        """Call `write` with the records that it has not had yet, then wipe all. No thread adds records meanwhile."""
        with self._handover, self._lock:
            if self._end and not self._map.closed:
                write(list(_records(self._map[self._handed : self._end])))
                self._wipe()

    def _wipe(self) -> None:
        # The end is reset first. Otherwise, after an interrupt between the two lines, a new record would follow zeros
        # and never be read.
        end, self._end, self._handed = self._end, 0, 0
        self._map[:end] = bytes(end)
        if end >= len(_ZEROS) and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)  # the file keeps the pages, and this process needs none of them now

    def close(self) -> None:
        """Remove the file if it is empty. Otherwise leave it for the next process that reads all journals."""
        with self._handover, self._lock:
            self._map.close()
            if self._end:
                self._owner.release()
            else:
                _remove(self.path, self._owner)


def others(store: Path, own: Journal | None) -> Iterator[tuple[list[bytes], Callable[[], object]]]:
    """Yield each journal of another process or store: its records, and a function that removes it if nobody uses it."""
    for path in store.parent.glob(f"{store.name}-*{_SUFFIX}"):
        if own is not None and path == own.path:
            continue
        owner = _owner_of(path)
        try:
            owner.acquire(timeout=0)
        except (Timeout, OSError, NotImplementedError):
            yield _read(path), lambda: None
            continue
        try:
            yield _read(path), partial(_remove, path, owner)
        finally:
            owner.release()


def _write_zeros(file: BinaryIO, size: int) -> None:
    for start in range(0, size, len(_ZEROS)):
        file.write(_ZEROS[: size - start])


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _owner_of(path: Path) -> FileLock:
    return FileLock(f"{path}.lock", mode=0o600, thread_local=False, is_singleton=False)


def _read(path: Path) -> list[bytes]:
    try:
        return list(_records(path.read_bytes()))
    except FileNotFoundError:
        return []


def _records(data: bytes) -> Iterator[bytes]:
    """Yield the records, up to the first that is incomplete."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, check = _HEAD.unpack_from(data, at)
        record = data[at + _HEAD.size : at + _HEAD.size + length]
        if not length or len(record) < length or zlib.crc32(record) != check:
            return
        yield record
        at += _HEAD.size + length


def _remove(path: Path, owner: FileLock) -> None:
    with suppress(FileNotFoundError):
        with open(path, "r+b") as file:
            # The disk blocks must not keep personal data after the file is deleted.
            _write_zeros(file, os.fstat(file.fileno()).st_size)
        path.unlink()
    owner.release()
    Path(owner.lock_file).unlink(missing_ok=True)
