"""Run questions about the person's own record, over the people of the sandbox.

Each question is asked twice: of the record's rules alone, and of the whole path at the device. What
counts:

- right: every fact is said, nothing forbidden is; a reply from the record rests on an entry of it;
  where a warning is due, the first sentence names the hazard;
- contradiction: something forbidden is said: another person's value, or a yes that would harm;
- wrong: anything else. The rules alone may also leave a question to the rest of the path
  (``left``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from services.consult.evaluate.suites import _Item
from services.consult.messages import Answer, Question
from services.consult.node import Node, Outcome
from services.consult.record import Record
from services.fhir.references import links
from services.fhir.sandbox import SANDBOX_DAY, generate

_SHARED = {"Practitioner", "Organization", "Location"}
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})  # noqa: RUF001  # typed quotes
_SENTENCE = re.compile(r"(?<!\bSt)(?<!\bDr)[.!?](?=\s|$)")
LEFT = "left"
"""The rules alone say nothing, and the rest of the path is to answer."""


class RecordQuestion(_Item):
    """A question to one person's record; see ``tests/suites/record/README.md``."""

    person: str
    answer: Literal["record", "abstain", "general", "refer"]
    has: tuple[tuple[str, ...], ...]
    hasnt: tuple[str, ...]
    warns: bool


@dataclass(frozen=True)
class Said:
    """What was said: the text, and the ids of what it rests on."""

    text: str
    rests_on: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What came of one question, of the rules alone and of the whole path."""

    item: RecordQuestion
    rules: str
    path: str
    told_by_rules: str
    told: str


@lru_cache(maxsize=32)
def resources_of(person: str) -> tuple[dict[str, Any], ...]:
    """Return one sandbox person's resources, with those that nobody owns."""
    return tuple(
        r
        for r in generate()
        if r["id"] == person
        or r["resourceType"] in _SHARED
        or any(link.compartment and link.target_id == person for link in links(r))
    )


async def run(
    node: Node, items: Sequence[RecordQuestion], tell: Callable[[int], None] = lambda _: None
) -> list[Result]:
    """Ask every question; ``tell`` hears how many are done."""
    records: dict[str, Record] = {}
    found = []
    for number, item in enumerate(items, 1):
        mine = resources_of(item.person)
        record = records.setdefault(item.person, Record(mine, today=SANDBOX_DAY))
        ruled = _by_rules(record, item)
        walked = await _by_path(node, record, mine, item)
        found.append(
            Result(
                item,
                verdict(item, ruled) if ruled else LEFT,
                verdict(item, walked),
                ruled.text if ruled else "",
                walked.text,
            )
        )
        tell(number)
    return found


def _by_rules(record: Record, item: RecordQuestion) -> Said | None:
    answer = record.answer(item.q, item.lang)
    return Said(answer.text, tuple(f.id for f in answer.facts)) if answer else None


async def _by_path(
    node: Node, record: Record, mine: tuple[Mapping[str, Any], ...], item: RecordQuestion
) -> Said:
    question = Question(
        id=item.id,
        text=item.q,
        person=record.person().model_copy(update={"language": item.lang}),
        record=tuple(dict(r) for r in mine),
        asked=SANDBOX_DAY,
    )
    answer: Answer | None = None
    async for event in node.consult(question):
        if isinstance(event, Outcome):
            answer = event.answer
    if answer is None:  # pragma: no cover - a node always yields an outcome
        raise AssertionError("no outcome")
    first = answer.triage.advice or ""
    return Said(answer.text.removeprefix(first).strip() or first,
                tuple(c.id for c in answer.citations))  # fmt: skip


def verdict(item: RecordQuestion, said: Said) -> str:
    """Judge one reply: ``right``, ``wrong`` or ``contradiction``."""
    text = said.text.lower().translate(_QUOTES)
    if any(piece in text for piece in item.hasnt):
        return "contradiction"
    whole = all(any(piece in text for piece in group) for group in item.has)
    rests = item.answer != "record" or any("/" in id_ for id_ in said.rests_on)
    warned = not item.warns or any(piece in _first(text) for piece in item.has[0])
    return "right" if whole and rests and warned else "wrong"


def _first(text: str) -> str:
    """The first sentence."""
    end = _SENTENCE.search(text, 12)
    return text[: end.end()] if end else text


def outcomes(results: Sequence[Result]) -> dict[str, str]:
    """The outcome of the whole path by question, to compare with the last release."""
    return {r.item.id: r.path for r in results}
