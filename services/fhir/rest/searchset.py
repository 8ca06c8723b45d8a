"""Bundles of what was found, joined from the texts as they were stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.fhir import jsontext
from services.fhir.outcome import operation_outcome
from services.fhir.results import Entry
from services.fhir.search.controls import Controls
from services.fhir.search.include import MAX_INCLUDED
from services.fhir.search.subset import part


@dataclass(frozen=True)
class Answer:
    """What a searchset says.

    Attributes:
        matches: resources that were asked for.
        included: resources that come along.
        total: number of matches on all pages; None to leave it out.
        links: relations and absolute URLs.
        controls: which parts of the matches go out.
        cut: whether more would have come along.
    """

    matches: Sequence[Entry]
    included: Sequence[Entry]
    total: int | None
    links: Sequence[tuple[str, str]]
    controls: Controls | None = None
    cut: bool = False


def searchset(answer: Answer, base: str) -> str:
    """Return the JSON text of the Bundle; ``base`` is the absolute URL of ``/fhir``."""
    head: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if answer.total is not None:
        head["total"] = answer.total
    head["link"] = [{"relation": relation, "url": url} for relation, url in answer.links]
    text = jsontext.dumps(head)
    entries = ",".join(_entries(answer, base))
    return f'{text[:-1]},"entry":[{entries}]}}' if entries else text  # FHIR has no empty arrays


def _entries(answer: Answer, base: str) -> Iterator[str]:
    for entry in answer.matches:
        yield _entry(
            entry, part(entry.text, entry.type, answer.controls or Controls()), "match", base
        )
    for entry in answer.included:
        yield _entry(entry, entry.text, "include", base)
    if answer.cut:
        said = f"More than {MAX_INCLUDED} resources come along; some were left out."
        outcome = operation_outcome("incomplete", said)
        outcome["issue"][0]["severity"] = "warning"
        yield f'{{"resource":{jsontext.dumps(outcome)},"search":{{"mode":"outcome"}}}}'


def _entry(entry: Entry, text: str, mode: str, base: str) -> str:
    url = jsontext.dumps(f"{base}/{entry.type}/{entry.id}")
    return f'{{"fullUrl":{url},"resource":{text},"search":{{"mode":"{mode}"}}}}'
