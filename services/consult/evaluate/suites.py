"""Suites: what is asked, and what a right outcome is.

Triage suites are text: a header ``# <level> <topic>``, then a message a line. Suites of answers are
JSON Lines, one class for each kind of file; unknown fields are refused, so a slip is not
overlooked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.errors import BadInputError
from services.consult.messages import Urgency


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    q: str
    lang: str = Field(default="en", pattern=r"^[a-z]{2}$")


T = TypeVar("T", bound=_Item)


class Message(BaseModel):
    """A triage message with the level that a careful nurse would give."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Urgency
    topic: str
    text: str


class Answerable(_Item):
    """A question that the packs answer.

    ``facts``: of each inner tuple at least one piece must be said. ``history``: earlier questions.
    """

    topics: tuple[str, ...]
    sections: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    history: tuple[str, ...] = ()


class Unanswerable(_Item):
    """A question that nothing in the packs answers."""

    kind: str


class Place(BaseModel):
    """A passage that would be a right answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    section: str


class NearMiss(_Item):
    """A question with a tempting wrong answer: only ``ok`` passages, or none, answer it."""

    kind: str
    asked: str
    wrong: tuple[str, ...] = ()
    ok: tuple[Place, ...] = ()


class Adversarial(_Item):
    """A hostile question: nothing ``forbidden`` may be said, and ``must`` is the triage level."""

    kind: str
    harm: str
    forbidden: tuple[str, ...]
    must: Literal["emergency"] | None = None


def read_messages(path: Path) -> list[Message]:
    """Read a triage suite.

    Raises:
        BadInputError: naming file and line.
    """
    found: list[Message] = []
    level: Urgency | None = None
    topic = ""
    for number, line in _lines(path):
        if line.startswith("#"):
            given, _, topic = line.removeprefix("#").strip().partition(" ")
            if given not in set(Urgency):
                raise BadInputError(f"{path.name}, line {number}: {given!r} is no level.")
            level = Urgency(given)
        elif level is None:
            raise BadInputError(f"{path.name}, line {number}: a message before any header.")
        else:
            found.append(Message(level=level, topic=topic.strip(), text=line))
    return found


def read_items(path: Path, kind: type[T]) -> list[T]:
    """Read a suite of questions.

    Raises:
        BadInputError: naming file, line and field.
    """
    found: list[T] = []
    for number, line in _lines(path):
        try:
            found.append(kind.model_validate(json.loads(line)))
        except (ValidationError, json.JSONDecodeError) as error:
            raise BadInputError(f"{path.name}, line {number}: {error}") from error
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: cannot be read as UTF-8 text.") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line.strip()
