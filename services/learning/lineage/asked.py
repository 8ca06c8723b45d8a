"""Which brick somebody asks about: by its name, by an answer, by a call, by a file, by a round."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from compliance.audit import AuditError
from compliance.audit.records import AuditRecord
from compliance.errors import NotFoundError
from services.bricks.store import BrickStore
from services.experts.models import PushedExpert
from services.learning.models import LearningRound
from services.store.database import Database

REF = re.compile(r"(?<![a-z0-9@-])([a-z0-9][a-z0-9-]{0,47}@[1-9][0-9]{0,8})(?![0-9@])")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MODEL, _CONSULT = "urn:caretier:model", "urn:caretier:consult"


@dataclass(frozen=True)
class Call:
    """A question that models answered: when it was written down, and their names."""

    at: datetime
    models: tuple[str, ...]


InUse = Callable[[str], tuple[int, datetime] | None]
"""The version of an adapter that answers under its name now, and since when."""
Calls = Callable[[str], Call | None]
"""A call by the id that it has in its answer's ``x-request-id`` and on the trail."""


def calls_of(trail: Path) -> Calls:
    """Look calls up on an audit trail.

    Args:
        trail: its file.
    """

    def find(id_: str) -> Call | None:
        try:
            with trail.open("rb") as lines:
                for line in lines:
                    if id_.encode() in line and (found := _call(line, id_)):
                        return found
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise AuditError("The audit trail cannot be read.") from None
        return None

    return find


def _call(line: bytes, id_: str) -> Call | None:
    """The call of a line of the trail, if it is the one of this id."""
    record = AuditRecord.parse(line.rstrip(b"\n"))
    if id_ not in _named(record.event, "entity", "what", _CONSULT):
        return None
    models = tuple(_named(record.event, "agent", "who", _MODEL))
    return Call(datetime.fromisoformat(record.time), models) if models else None


def pushed_in(database: Database) -> InUse:
    """The versions of the adapters that an engine holds (`services.experts`).

    Args:
        database: migrated with ``services.experts``.
    """

    def now(id_: str) -> tuple[int, datetime] | None:
        with database.reading() as session:
            row = session.get(PushedExpert, id_)
        return (row.version, row.pushed) if row else None

    return now


@dataclass(frozen=True)
class Asked:
    """Finds the brick that is meant.

    Args:
        database: with the rounds.
        store: of bricks.
        in_use: which version of an adapter answers.
        calls: the calls on the trail.
    """

    database: Database
    store: BrickStore
    in_use: InUse
    calls: Calls

    def brick(self, asked: str) -> str:
        """``id@version`` of what is meant.

        Args:
            asked: such a name, also inside the name of an answer's model; the name of a brick, for
                the version in use; the digest of an adapter's file; the id of a round or a call.

        Raises:
            NotFoundError: nothing here is meant by it.
            AuditError: the trail cannot be read.
        """
        said = asked.strip()
        if found := REF.search(said):
            return found[1]
        if _DIGEST.fullmatch(said):
            return self._by_digest(said)
        if _UUID.fullmatch(said):
            return self._by_round(said) or self._by_call(said)
        if _ID.fullmatch(said):
            return self._by_name(said)
        raise _unknown()

    def _by_digest(self, digest: str) -> str:
        for manifest in self.store.manifests():
            if digest in {file.digest for file in manifest.files}:
                return manifest.ref
        raise _unknown()

    def _by_name(self, id_: str) -> str:
        now = self.in_use(id_)
        if now is not None:
            return f"{id_}@{now[0]}"
        refs = self.store.refs(id_)
        if not refs:
            raise _unknown()
        return refs[-1]

    def _by_round(self, id_: str) -> str | None:
        with self.database.reading() as session:
            row = session.get(LearningRound, id_)
        if row is not None and row.brick is None:
            raise NotFoundError("Nothing was published by this round.", remedy="Ask for another.")
        return row.brick if row else None

    def _by_call(self, id_: str) -> str:
        call = self.calls(id_)
        if call is None:
            raise _unknown()
        for model in call.models:
            if found := REF.search(model):
                return found[1]
        now = [(model, self.in_use(model)) for model in call.models]
        for model, version in now:
            if version is not None and version[1] <= call.at:
                return f"{model}@{version[0]}"
        raise NotFoundError(
            f"{', '.join(call.models)} answered: no adapter, or a version that is not in use now.",
            remedy="`caretier bricks list` tells the versions; ask for one of them.",
        )


def _named(event: dict[str, Any], part: str, role: str, system: str) -> list[str]:
    """Values of the identifiers of a system among an event's agents or entities."""
    told = (one.get(role, {}).get("identifier", {}) for one in event.get(part, ()))
    return [str(one["value"]) for one in told if one.get("system") == system]


def _unknown() -> NotFoundError:
    return NotFoundError(
        "No brick, round or call here goes by this name.",
        remedy="Name a brick as id@version, as an answer does, or a round or call by its id.",
    )
