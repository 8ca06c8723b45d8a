"""Contributions on their way from a node to its parent: files, so that a killed process loses none.

<folder>/waiting/<id>.safetensors    to be sent
<folder>/sent/<id>.json              taken by the parent; its manifest stays, for a withdrawal
<folder>/refused/<id>.json           with the reason
<folder>/withdrawn/<id>.json         taken back, here and at the parent
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from compliance.errors import NotFoundError
from services.learning.contribution import ContributionManifest, read_manifest

State = Literal["waiting", "sent", "refused", "withdrawn"]
ENDED: tuple[State, ...] = ("sent", "refused", "withdrawn")


@dataclass(frozen=True)
class Held:
    """A contribution of this node: where it stands, since when, and why."""

    manifest: ContributionManifest
    state: State
    since: str
    reason: str | None = None

    def told(self) -> dict[str, object]:
        """What is shown of it."""
        manifest = self.manifest
        return {
            "id": manifest.id,
            "state": self.state,
            "since": self.since,
            "reason": self.reason,
            "domain": manifest.domain,
            "epoch": manifest.epoch,
            "examples": manifest.examples,
            "epsilon": manifest.privacy.epsilon,
        }


class Outbox:
    """The contributions of a node.

    Args:
        folder: made with the first of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, id_: str) -> Path:
        """Where the file of a contribution waits; its folder is made."""
        return self._of("waiting") / f"{id_}.safetensors"

    def waiting(self) -> list[Path]:
        """Files to be sent, oldest first."""
        files = self._of("waiting").glob("*.safetensors")
        return sorted(files, key=lambda path: path.stat().st_mtime_ns)

    def all(self) -> list[Held]:
        """Every contribution, oldest first."""
        return sorted(self._all(), key=lambda held: held.manifest.made)

    def of_epoch(self, domain: str, epoch: int) -> Held | None:
        """This node's contribution of an epoch that waits or was taken, if there is one."""
        for held in self._all():
            same = (held.manifest.domain, held.manifest.epoch) == (domain, epoch)
            if same and held.state in {"waiting", "sent"}:
                return held
        return None

    def get(self, id_: str) -> Held:
        """One contribution.

        Raises:
            NotFoundError: this node made none of that id.
        """
        for held in self._all():
            if held.manifest.id == id_:
                return held
        raise NotFoundError("This node made no contribution of that id.")

    def move(self, id_: str, state: State, reason: str | None = None) -> None:
        """Note how a contribution ended; the change itself is deleted, its manifest stays.

        Raises:
            NotFoundError: see `get`.
        """
        held = self.get(id_)
        kept = {
            "manifest": held.manifest.model_dump(mode="json"),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "reason": reason,
        }
        target = self._of(state) / f"{id_}.json"
        part = target.with_suffix(".part")
        part.write_text(json.dumps(kept), encoding="utf-8")
        part.replace(target)
        self.place(id_).unlink(missing_ok=True)
        for other in ENDED:
            if other != state:
                (self._of(other) / f"{id_}.json").unlink(missing_ok=True)

    def _all(self) -> Iterator[Held]:
        seen = set()
        for state in ENDED:
            for path in self._of(state).glob("*.json"):
                kept = json.loads(path.read_text(encoding="utf-8"))
                manifest = ContributionManifest.model_validate(kept["manifest"])
                seen.add(manifest.id)
                yield Held(manifest, state, kept["since"], kept["reason"])
        for path in self.waiting():
            if path.stem not in seen:  # killed between the two steps of `move`
                manifest, _ = read_manifest(path)
                yield Held(manifest, "waiting", manifest.made.isoformat(timespec="seconds"))

    def _of(self, state: State) -> Path:
        folder = self._folder / state
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder
