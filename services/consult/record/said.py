"""What every answer is made of."""

from __future__ import annotations

from collections.abc import Iterator

from services.consult.messages import Citation, Fact
from services.consult.record.chart import Chart
from services.consult.record.kinds import Kind
from services.consult.record.wording import listed

MAX_LISTED = 20
"""Most entries that one sentence lists; more are counted."""
Said = Iterator[Fact | Citation]


def absent(kind: Kind, text: str, chart: Chart) -> Fact:
    """Return what the record lacks, as a sentence of the record as a whole."""
    return Fact(id=f"{chart.patient_ref}#no-{kind.value}", kind=kind.value, text=text)


def many(items: list[str], language: str) -> str:
    """Join ``items``, each once; those past the limit are counted."""
    unique = list(dict.fromkeys(items))
    more = len(unique) - MAX_LISTED
    return listed([*unique[:MAX_LISTED], *([f"+ {more}"] if more > 0 else [])], language)
