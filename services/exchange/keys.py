"""The keys of a node, kept in files that only it can read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compliance.sealing import IdentityKey, KeyBundle, Keyring, SealingKey


@dataclass(frozen=True)
class NodeKeys:
    """Identity and sealing keys of one node, with the name and level it publishes."""

    name: str
    level: str
    identity: IdentityKey
    sealing: Keyring

    @classmethod
    def load_or_create(cls, folder: Path, *, name: str, level: str) -> NodeKeys:
        """Read ``identity.key`` and ``sealing.key`` below ``folder``, or make them (mode 0600)."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = _read_or_write(folder / "identity.key", IdentityKey.generate().to_bytes())
        sealing = _read_or_write(
            folder / "sealing.key", Keyring([SealingKey.generate()]).to_bytes()
        )
        return cls(name, level, IdentityKey.from_bytes(identity), Keyring.from_bytes(sealing))

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
