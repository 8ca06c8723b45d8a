"""What a chart says of medicines for a purpose ("is she on anything for her heart")."""

from __future__ import annotations

from collections.abc import Iterator

from services.consult.record import words
from services.consult.record.reading import Medicine
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.said.medicines import orders
from services.hospital.chart.view import View


def treatment(view: View, asked: Asked) -> Iterator[Line]:
    """The medicines of a class that serves the purpose, or that were ordered for it."""
    wanted = set(asked.names)
    table = words.data("classes")
    served = wanted | {one for key in wanted for one in table.get(key, {}).get("also", ())}
    found = [m for m in view.chart.medicines if m.classes & served or wanted & _reasons(m)]
    yield from orders(view, asked, found)


def _reasons(order: Medicine) -> set[str]:
    return {key for reason in order.reasons for key in words.condition_phrases().find(reason)}
