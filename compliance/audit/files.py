"""Files beneath the trail: the node's key, synced writes, and reading backwards."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from compliance.audit.errors import AuditError
from compliance.audit.verify import KEY_BYTES, KEY_FILE

_BLOCK_BYTES = 64 * 1024


def load_or_create_key(folder: Path) -> bytes:
    """Return the node's audit key, made (32 random bytes, mode 0600) if there is none.

    Raises:
        AuditError: it can neither be read nor made, or has the wrong size.
    """
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create_key(path)
        key = path.read_bytes()
    except OSError:
        raise AuditError("The audit key can be neither read nor made.") from None
    if len(key) != KEY_BYTES:
        raise AuditError("The audit key is damaged.")
    return key


def _create_key(path: Path) -> None:
    """Write a new key; of two processes that do so at once, one wins and both use that one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        write_synced(fd, secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.close(fd)
        draft.unlink()


def last_lines(file: BinaryIO, count: int) -> list[bytes]:
    """Return the last whole lines without their newlines, reading backwards from the end."""
    position, block = file.seek(0, os.SEEK_END), b""
    while position > 0 and block.count(b"\n") <= count:
        step = min(position, _BLOCK_BYTES)
        position -= step
        file.seek(position)
        block = file.read(step) + block
    # What stands behind the last newline is unfinished; before the first block's start, cut.
    lines = block.split(b"\n")[:-1]
    return lines[-count:] if count > 0 else []


def write_synced(fd: int, data: bytes) -> None:
    """Write all of it and wait for the disk.

    Raises:
        OSError: the disk took less, or none.
    """
    if os.write(fd, data) != len(data):
        raise OSError(errno.ENOSPC, "short write")
    os.fsync(fd)


def append_synced(path: Path, data: bytes) -> None:
    """Append to a file of mode 0600 and wait for the disk.

    Raises:
        OSError: the disk took less, or none.
    """
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        write_synced(fd, data)
    finally:
        os.close(fd)


def replace_synced(path: Path, data: bytes) -> None:
    """Replace a file by one of mode 0600; its name points to the new one once that is on the disk.

    Raises:
        OSError: it could not be written; the old one is still there.
    """
    draft = path.with_name(path.name + ".new")
    fd = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        write_synced(fd, data)
    finally:
        os.close(fd)
    draft.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names of new files outlast a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
