"""A brick repository made by hand, so that a test can also make it wrong.

publisher = Publisher(folder)
publisher.brick(b"words", version=1)
publisher.publish()                          # new targets, snapshot and timestamp, in that order
publisher.sign("timestamp", by="stranger")   # the same content, signed by somebody else
updater = publisher.updater(node_folder)     # trusts the first root
"""

from __future__ import annotations

import copy
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from services.bricks.manifest import BrickManifest
from services.bricks.repository.layout import Layout, target_of
from services.bricks.updater.limits import Limits
from services.bricks.updater.source import FolderSource, Source
from services.bricks.updater.updater import Updater

TOP = ("root", "timestamp", "snapshot", "targets")
SMALL = Limits(spare_bytes=0)
"""Limits that ask for no free disk."""
BASE = "sha256:" + "b" * 64


class Publisher:
    """A repository with one key a role (``thresholds`` says of which role more).

    Args:
        folder: of the repository.
        thresholds: how many keys have to sign a role.
    """

    def __init__(self, folder: Path, **thresholds: int) -> None:
        self.layout = Layout(folder)
        self.signers = {
            role: [CryptoSigner.generate_ed25519() for _ in range(thresholds.get(role, 1))]
            for role in (*TOP, "stranger")
        }
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
        self.metadata: dict[str, Metadata[Any]] = {
            "root": Metadata(Root(expires=expires, consistent_snapshot=True)),
            "timestamp": Metadata(Timestamp(expires=expires)),
            "snapshot": Metadata(Snapshot(expires=expires)),
            "targets": Metadata(Targets(expires=expires)),
        }
        self._expires, self._published = expires, False
        self.targets.delegations = Delegations({}, {})
        for role in TOP:
            for signer in self.signers[role]:
                self.root.add_key(signer.public_key, role)
            self.root.roles[role].threshold = thresholds.get(role, 1)
        self.write("root")
        self.first_root = self.layout.of_role("root", 1).read_bytes()

    @property
    def root(self) -> Root:
        return self.metadata["root"].signed

    @property
    def timestamp(self) -> Timestamp:
        return self.metadata["timestamp"].signed

    @property
    def snapshot(self) -> Snapshot:
        return self.metadata["snapshot"].signed

    @property
    def targets(self) -> Targets:
        return self.metadata["targets"].signed

    def brick(
        self, content: bytes = b"words", brick: str = "heart-style", **fields: Any
    ) -> BrickManifest:
        """Offer a brick of one file; its role is delegated when it is the first of its domain."""
        extra = fields.pop("files", {})
        manifest = a_manifest({"content.bin": content, **extra}, brick=brick, **fields)
        for data in (content, *extra.values()):
            self.blob(data)
        role = f"{manifest.level}-{manifest.domain}"
        if role not in self.metadata:
            self._delegate(role, f"{manifest.level}/{manifest.domain}/*/*")
        self.offer(target_of(manifest), manifest.canonical(), role)
        return manifest

    def blob(self, data: bytes) -> Path:
        """Put a file there, as a stranger could."""
        place = self.layout.of_blob(hashlib.sha256(data).hexdigest())
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return place

    def claim(self, path: str, raw: bytes, role: str = "targets") -> TargetFile:
        """Sign a target of any path, without its file."""
        target = TargetFile.from_data(path, raw, ["sha256"])
        self.metadata[role].signed.targets[path] = target
        return target

    def offer(self, path: str, raw: bytes, role: str = "targets") -> TargetFile:
        """Sign a target, and put its file there."""
        target = self.claim(path, raw, role)
        place = self.layout.of_target(path, target.hashes["sha256"])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(raw)
        return target

    def revoke(self, *refs: str, reason: str = "It was unsafe.") -> None:
        """Take versions back."""
        listed = ",".join(
            f'{{"ref":"{ref}","reason":"{reason}","date":"2026-01-02"}}' for ref in refs
        )
        self.offer("revoked.json", f"[{listed}]".encode())

    def publish(self) -> None:
        """Write the next state; the first one has version 1 throughout."""
        roles = [role for role in self.metadata if role not in {"root", "snapshot", "timestamp"}]
        for role in roles:
            if self._published:
                self.metadata[role].signed.version += 1
            raw = self.write(role)
            version = self.metadata[role].signed.version
            self.snapshot.meta[f"{role}.json"] = MetaFile.from_data(version, raw, ["sha256"])
        self.snapshot.version += self._published
        self.stamp()
        self._published = True

    def stamp(self) -> None:
        """Write snapshot and timestamp as they are now; only the latter's version grows."""
        raw = self.write("snapshot")
        self.timestamp.version += self._published
        self.timestamp.snapshot_meta = MetaFile.from_data(self.snapshot.version, raw, ["sha256"])
        self.write("timestamp")

    def write(self, role: str) -> bytes:
        """Sign a role with its keys and put the file there."""
        return self.sign(role, by=role)

    def sign(self, role: str, *, by: str, keys: int | None = None) -> bytes:
        """Sign a role with the first keys of another one, and put the file there."""
        held = self.metadata[role]
        held.signatures.clear()
        for signer in self.signers[by][:keys]:
            held.sign(signer, append=True)
        raw = held.to_bytes()
        place = self.layout.of_role(role, held.signed.version)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(raw)
        return raw

    def rotate(self, *roles: str) -> None:
        """Give roles new keys; the new root is signed by the old and the new root keys."""
        old = list(self.signers["root"])
        for role in roles:
            for signer in self.signers[role]:
                self.root.revoke_key(signer.public_key.keyid, role)
            self.signers[role] = [CryptoSigner.generate_ed25519() for _ in self.signers[role]]
            for signer in self.signers[role]:
                self.root.add_key(signer.public_key, role)
        self.root.version += 1
        kept = self.signers["root"]
        self.signers["root"] = [*old, *(s for s in kept if s not in old)]
        self.write("root")
        self.signers["root"] = kept

    def expire(self, role: str) -> None:
        """Let a role's metadata have ended yesterday."""
        self.metadata[role].signed.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(1)

    def remember(self) -> dict[str, bytes]:
        """All metadata files as they are, for showing them again later."""
        return {p.name: p.read_bytes() for p in self.layout.metadata.iterdir()}

    def replay(self, files: dict[str, bytes], *names: str) -> None:
        """Show files of an earlier state again: those named, or all."""
        for name in names or files:
            (self.layout.metadata / name).write_bytes(files[name])

    def twin(self, folder: Path) -> Publisher:
        """Another publisher with the same keys, who begins with the same state elsewhere."""
        other = copy.copy(self)
        other.layout = Layout(folder)
        other.metadata = {r: Metadata.from_bytes(m.to_bytes()) for r, m in self.metadata.items()}
        return other

    def updater(self, folder: Path, source: Source | None = None, **options: Any) -> Updater:
        """An updater of a node that trusts the first root."""
        options = {"limits": SMALL, **options}
        updater = Updater(folder, source or FolderSource(self.layout.folder), **options)
        updater.client.trust(self.first_root)
        return updater

    def _delegate(self, role: str, *paths: str) -> None:
        signer = CryptoSigner.generate_ed25519()
        self.signers[role] = [signer]
        self.metadata[role] = Metadata(Targets(expires=self._expires))
        if self._published:
            self.metadata[role].signed.version = 0
        assert self.targets.delegations is not None
        assert self.targets.delegations.roles is not None
        made = DelegatedRole(role, [], 1, terminating=True, paths=list(paths))
        self.targets.delegations.roles[role] = made
        self.targets.add_key(signer.public_key, role)


def a_manifest(
    files: dict[str, bytes], brick: str = "heart-style", version: int = 1, **fields: Any
) -> BrickManifest:
    """A manifest of files with these contents."""
    made: dict[str, Any] = {
        "id": brick,
        "version": version,
        "kind": "knowledge",
        "title": "How the heart is spoken of",
        "level": "device",
        "domain": "cardiology",
        "licence": "Apache-2.0",
        "created": datetime(2026, 1, 1, tzinfo=UTC),
        "lineage": {"operation": "made"},
        "sources": [{"name": "A source", "date": "2026-01-01", "licence": "CC0-1.0"}],
        "files": [
            {
                "name": name,
                "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
                "size": len(data),
                "role": "other",
            }
            for name, data in files.items()
        ],
    }
    return BrickManifest.model_validate(made | fields)
