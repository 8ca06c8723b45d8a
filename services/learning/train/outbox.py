"""Contributions on their way from a node to its parent: files, so that a killed process loses none.

<folder>/waiting/<id>.safetensors    to be sent
<folder>/sent/<id>.json              taken by the parent; its manifest stays, for a withdrawal
<folder>/refused/<id>.json           with the reason
<folder>/withdrawn/<id>.json         taken back, here and at the parent

A file that cannot be read (a machine that lost its power, a damaged disk) holds up no other: it is
put aside as ``<name>.torn``, and the log says so. Nothing of it is sent.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from compliance.audit.files import replace_synced, sync_folder
from compliance.errors import CaretierError, NotFoundError
from services.learning.contribution import ContributionManifest, read_manifest

State = Literal["waiting", "sent", "refused", "withdrawn"]
_log = logging.getLogger(__name__)
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
        return [path for path in self._waiting() if _read(path, _waiting) is not None]

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
        replace_synced(target, json.dumps(kept).encode())
        sync_folder(target.parent)
        self.place(id_).unlink(missing_ok=True)
        for other in ENDED:
            if other != state:
                (self._of(other) / f"{id_}.json").unlink(missing_ok=True)

    def torn(self) -> list[Path]:
        """Files that could not be read and were put aside, by name."""
        return sorted(self._folder.glob("*/*.torn"))

    def _all(self) -> Iterator[Held]:
        seen = set()
        for state in ENDED:
            for path in sorted(self._of(state).glob("*.json")):
                held = _read(path, partial(_ended, state=state))
                if held is not None:
                    seen.add(held.manifest.id)
                    yield held
        for path in self._waiting():
            if path.stem in seen:  # killed between the two steps of `move`
                continue
            if (held := _read(path, _waiting)) is not None:
                yield held

    def _waiting(self) -> list[Path]:
        files = self._of("waiting").glob("*.safetensors")
        return sorted(files, key=lambda path: path.stat().st_mtime_ns)

    def _of(self, state: State) -> Path:
        folder = self._folder / state
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder


def _read(path: Path, reader: Callable[[Path], Held]) -> Held | None:
    """What a file holds; one that holds it no more is put aside."""
    try:
        return reader(path)
    except FileNotFoundError:  # moved since it was listed
        return None
    except (ValueError, KeyError, TypeError, CaretierError) as error:
        with suppress(FileNotFoundError):  # another process did so
            path.replace(path.with_name(f"{path.name}.torn"))
        _log.error("%s cannot be read (%s) and was put aside", path.name, type(error).__name__)
        return None


def _ended(path: Path, state: State) -> Held:
    kept = json.loads(path.read_text(encoding="utf-8"))
    manifest = ContributionManifest.model_validate(kept["manifest"])
    return Held(manifest, state, kept["since"], kept["reason"])


def _waiting(path: Path) -> Held:
    manifest, _ = read_manifest(path)
    return Held(manifest, "waiting", manifest.made.isoformat(timespec="seconds"))
