"""The keys of a node, kept in files that only it can read."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compliance.sealing import IdentityKey, KeyBundle, Keyring, SealingKey

SEALING_FILE = "sealing.key"


class KeyringFile:
    """A keyring on the disk, read again when another process has rotated it.

    Args:
        path: the file; it must be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._ring: Keyring | None = None

    def read(self) -> Keyring:
        """Return the keys as they are now.

        Raises:
            SealingError: the file holds no keyring (``bad-key``).
        """
        status = self.path.stat()
        stamp = (status.st_ino, status.st_mtime_ns)
        with self._lock:
            if self._ring is None or stamp != self._stamp:
                self._ring = Keyring.from_bytes(self.path.read_bytes())
                self._stamp = stamp
            return self._ring


@dataclass(frozen=True)
class NodeKeys:
    """Identity and sealing keys of one node, with the name and level it publishes."""

    name: str
    level: str
    identity: IdentityKey
    ring: KeyringFile

    @classmethod
    def load_or_create(cls, folder: Path, *, name: str, level: str) -> NodeKeys:
        """Read ``identity.key`` and ``sealing.key`` below ``folder``, or make them (mode 0600)."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = _read_or_write(folder / "identity.key", IdentityKey.generate().to_bytes())
        path = folder / SEALING_FILE
        _read_or_write(path, Keyring([SealingKey.generate()]).to_bytes())
        made = cls(name, level, IdentityKey.from_bytes(identity), KeyringFile(path))
        made.ring.read()  # a damaged file shows at the start
        return made

    @property
    def sealing(self) -> Keyring:
        """The sealing keys as they are now, the current one first."""
        return self.ring.read()

    @property
    def fingerprint(self) -> str:
        """Name of this node among nodes."""
        return self.identity.public.fingerprint

    def bundle(self, now: datetime | None = None) -> KeyBundle:
        """The node's public keys, signed."""
        return KeyBundle.issue(
            self.identity,
            [key.public for key in self.sealing],
            node=self.name,
            level=self.level,
            now=now or datetime.now(UTC),
        )


def _read_or_write(path: Path, fresh: bytes) -> bytes:
    """Return what is in the file; write ``fresh`` where there is none, whoever comes first."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    if not path.exists():
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    return path.read_bytes()
