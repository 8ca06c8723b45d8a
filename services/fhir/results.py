"""What the store gives back: entries with their text, pages of a search, reports of a load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from services.fhir import jsontext

Content = Mapping[str, Any] | str | bytes
"""A resource: Python values, or its JSON text."""
Issue = Mapping[str, Any]
"""An issue of an OperationOutcome."""


@dataclass(frozen=True)
class Sourced:
    """A resource with where it was read from (``Condition.ndjson:12``), for the load report."""

    origin: str
    content: Content


@dataclass(frozen=True)
class Stored:
    """What a write left behind: reference parts, version (from 1) and time of update (UTC)."""

    type: str
    id: str
    version: int
    updated: datetime


@dataclass(frozen=True)
class Entry(Stored):
    """A stored resource with its JSON text, exactly as it came."""

    text: str

    @property
    def resource(self) -> dict[str, Any]:
        """The resource as Python values (decimals as floats)."""
        return cast("dict[str, Any]", jsontext.loads(self.text))


@dataclass(frozen=True)
class Written(Stored):
    """What a write did; version and time are those that are current now.

    Attributes:
        outcome: ``unchanged`` when the same text was there already, or nothing to delete.
        text: JSON text that is current now; None after a deletion.
        readable: whether the caller may read it, too.
        issues: what the caller is told with the answer, whatever they prefer.
    """

    outcome: Literal["created", "updated", "unchanged", "deleted"]
    text: str | None
    readable: bool = True
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True)
class Version(Stored):
    """One version of a history.

    Attributes:
        text: JSON text of that version, exactly as it came; None for a deletion.
        method: HTTP verb that made it.
        sequence: its place among all writes.
        patients: ids of the Patients in whose record it is, or was then.
    """

    text: str | None
    method: str
    sequence: int
    patients: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HistoryPage:
    """One page of a history, the newest version first; ``next`` is where the next page starts."""

    versions: tuple[Version, ...]
    total: int
    next: int | None


@dataclass(frozen=True)
class Page:
    """One page of a search: entries by id, how many match in all, where the next page starts."""

    entries: tuple[Entry, ...]
    total: int
    next: str | None

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The resources of this page as Python values."""
        return [entry.resource for entry in self.entries]


@dataclass
class LoadReport:
    """What a load did: accepted resources by type, and (origin, reason) of each refused one."""

    loaded: dict[str, int] = field(default_factory=dict)
    rejected: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many resources were accepted."""
        return sum(self.loaded.values())
