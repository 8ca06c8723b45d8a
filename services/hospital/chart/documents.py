"""The documents of a record: letters, reports and messages, the newest first, by kind and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from services.consult.record.reading import day_of, label
from services.consult.record.words import fold
from services.hospital.chart.moments import moment_of
from services.hospital.chart.stored import compartment
from services.store.database import Database

Kind = Literal["DocumentReference", "DiagnosticReport", "Communication"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST = 100
"""Documents that one page lists; a search finds the others."""
_DATES = ("date", "effectiveDateTime", "effectivePeriod", "sent", "received", "issued")


@dataclass(frozen=True)
class Wanted:
    """Which documents: of a kind (None: all), with every one of some words."""

    kind: Kind | None = None
    words: str = ""


ALL = Wanted()


@dataclass(frozen=True)
class Paper:
    """One document; ``at``: its moment, where it tells one; ``withdrawn``: entered in error."""

    kind: Kind
    id: str
    title: str
    day: str | None
    at: datetime | None
    author: str
    status: str
    withdrawn: bool

    @property
    def reference(self) -> str:
        """``Type/id``."""
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True)
class Documents:
    """The documents that were wanted: those listed, and how many there are."""

    papers: tuple[Paper, ...]
    total: int
    wanted: Wanted
    held: int


def documents(database: Database, patient: str, wanted: Wanted = ALL) -> Documents:
    """Read the documents of one Patient; whoever asks was admitted to the chart."""
    with database.reading() as session:
        stored = [one.read() for one in compartment(session, patient, KINDS)]
    mine = f"Patient/{patient}"
    own = [r for r in stored if _about(r) in {"", mine}]
    found = [paper for resource in own if _fits(paper := _paper(resource), resource, wanted)]
    ordered = sorted(found, key=lambda one: (one.day or "", one.reference), reverse=True)
    return Documents(tuple(ordered[:MOST]), len(found), wanted, len(own))


def _about(resource: Mapping[str, Any]) -> str:
    said = str((resource.get("subject") or {}).get("reference") or "")
    return f"Patient/{said.rpartition('Patient/')[2]}" if "Patient/" in said else ""


def _fits(paper: Paper, resource: Mapping[str, Any], wanted: Wanted) -> bool:
    if wanted.kind not in {None, paper.kind}:
        return False
    said = fold(
        " ".join(
            str(part)
            for part in (
                paper.title,
                paper.author,
                paper.day,
                resource.get("conclusion", ""),
                resource.get("description", ""),
                *(p.get("contentString", "") for p in resource.get("payload", ())),
            )
        )
    )
    return all(word in said for word in fold(wanted.words).split())


def _paper(resource: Mapping[str, Any]) -> Paper:
    status, at = str(resource.get("status") or ""), _at(resource)
    return Paper(
        kind=resource["resourceType"],
        id=str(resource.get("id")),
        title=_title(resource),
        day=at.astimezone().date().isoformat() if at else day_of(resource, *_DATES),
        at=at,
        author=_author(resource),
        status=status,
        withdrawn=status == "entered-in-error",
    )


def _at(resource: Mapping[str, Any]) -> datetime | None:
    """The moment of the date that `day_of` reads."""
    named = next((resource[name] for name in _DATES if day_of(resource, name)), "")
    said = (named.get("start") or named.get("end")) if isinstance(named, Mapping) else named
    return moment_of(str(said))


def _title(resource: Mapping[str, Any]) -> str:
    attached = [c.get("attachment") or {} for c in resource.get("content", ())]
    attached += resource.get("presentedForm", ())
    said = (
        str(resource.get("description") or ""),
        label(resource.get("type")),
        label(resource.get("code")),
        label(resource.get("topic")),
        *(str(one.get("title") or "") for one in attached),
        *(label(category) for category in resource.get("category", ())),
    )
    return next((one for one in said if one), "")


def _author(resource: Mapping[str, Any]) -> str:
    named = [*resource.get("author", ()), *resource.get("performer", ())]
    named += [resource["sender"]] if "sender" in resource else []
    return ", ".join(str(one["display"]) for one in named if one.get("display"))
