"""From a brick down to the base model, and from a contribution up to the releases that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select

from compliance.errors import NotFoundError
from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.manifest import BrickManifest
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.learning.intake import Sender
from services.learning.intake.desk import own
from services.learning.lineage.asked import Asked, Calls, InUse, calls_of, pushed_in
from services.learning.models import LearningRound, StoredContribution
from services.learning.rounds import Rounds
from services.learning.rounds.history import holding, round_of, sites_of
from services.learning.rounds.view import detail

DEEPEST = 64
"""Bricks that are followed at most; a lineage is seldom deeper than the releases of a year."""


class Lineage:
    """Answers where something comes from, and where it went.

    Args:
        rounds: of the parent.
        store: of its bricks.
        in_use: see `services.learning.lineage.asked`.
        calls: likewise.
    """

    def __init__(
        self,
        rounds: Rounds,
        store: BrickStore,
        *,
        in_use: InUse = lambda _id: None,
        calls: Calls = lambda _id: None,
    ) -> None:
        self._rounds, self._store = rounds, store
        self._asked = Asked(rounds.database, store, in_use, calls)

    @classmethod
    def at(cls, hospital: Path, rounds: Rounds) -> Self:
        """That of a hospital.

        Args:
            hospital: its folder.
            rounds: in its database.
        """
        return cls(
            rounds,
            BrickStore(hospital / "bricks"),
            in_use=pushed_in(rounds.database),
            calls=calls_of(hospital / "audit" / "hospital.jsonl"),
        )

    def of(self, asked: str) -> dict[str, Any]:
        """Where a brick comes from: itself first, then what it stands on, down to the base.

        Args:
            asked: see `Asked.brick`.

        Raises:
            NotFoundError: there is no such brick, neither as files nor in a round.
        """
        first = self._asked.brick(asked)
        found, rows, due = list[dict[str, Any]](), list[LearningRound](), [first]
        while due and len(found) < DEEPEST:
            ref = due.pop(0)
            manifest, row = self._manifest(ref), self._round(ref)
            if ref == first and manifest is None and row is None:
                raise NotFoundError(f"There is no brick {ref} here.")
            found.append(self._step(ref, manifest, row))
            rows += [row] if row else []
            seen = {one["brick"] for one in found}
            due += [p for p in _parents(manifest, row) if p not in seen and p not in due]
        base = next((one["base"] for one in found if one["base"]), None)
        return {
            "asked": asked,
            "brick": first,
            "base": base,
            "sites": list(sites_of(rows)),
            "bricks": found,
            "more": bool(due),
        }

    def of_contribution(self, id_: str, sender: Sender) -> dict[str, Any]:
        """Where a contribution went: its round, the releases that hold it, and what it added.

        Raises:
            NotFoundError: there is none, or it is another node's.
        """
        with self._rounds.database.reading() as session:
            row = own(session, id_, sender)
            releases = holding(session, row)
            round_ = session.get(LearningRound, row.round) if row.round else None
        return {
            "id": row.id,
            "domain": row.domain,
            "epoch": row.epoch,
            "site": row.site,
            "state": row.state,
            "reason": row.reason,
            "received": row.received.isoformat(timespec="seconds"),
            "round": row.round,
            "credit": _credit(round_, row.id),
            "releases": [
                {"brick": one.brick, "round": one.id, "state": str(one.state)} for one in releases
            ],
        }

    def _manifest(self, ref: str) -> BrickManifest | None:
        try:
            return self._store.get(ref)
        except (
            BrickError,
            BrickUnknownError,
        ):  # its round still tells of it
            return None

    def _round(self, ref: str) -> LearningRound | None:
        with self._rounds.database.reading() as session:
            return round_of(session, ref)

    def _step(
        self, ref: str, manifest: BrickManifest | None, row: LearningRound | None
    ) -> dict[str, Any]:
        """One brick: what its manifest says, and its round."""
        said = manifest.model_dump(mode="json", exclude={"files"}) if manifest else {}
        return {
            "brick": ref,
            "manifest": said or None,
            "base": said.get("base") or (row.base if row else None),
            "revoked": self._revoked(ref),
            "round": self._told(row) if row else None,
        }

    def _revoked(self, ref: str) -> str | None:
        try:
            return Installed(self._store.folder).state().revoked.get(ref)
        except BrickError:
            return None

    def _told(self, row: LearningRound) -> dict[str, Any]:
        """A round with its evidence; each contribution with what became of it since."""
        held = detail(self._rounds, row.id)
        ids = [one["id"] for one in held["contributions"]]
        with self._rounds.database.reading() as session:
            query = select(StoredContribution).where(StoredContribution.id.in_(ids))
            there = {one.id: one for one in session.scalars(query)}
        for one in held["contributions"]:
            one["state"] = there[one["id"]].state if one["id"] in there else "deleted"
        return held


def _parents(manifest: BrickManifest | None, row: LearningRound | None) -> Sequence[str]:
    """What a brick was made of, each once."""
    named = [*(manifest.lineage.parents if manifest else ()), manifest.parent if manifest else None]
    return [ref for ref in dict.fromkeys([*named, row.parent if row else None]) if ref is not None]


def _credit(row: LearningRound | None, id_: str) -> dict[str, Any] | None:
    """What a contribution added, as its round's ledger says."""
    told = (row.credit or {}).get("contributions", ()) if row else ()
    return next((one for one in told if one["id"] == id_), None)
