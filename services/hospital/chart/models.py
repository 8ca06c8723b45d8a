"""What a summary is made of; the shapes are those of ``GET /portal/api/patients/{id}/summary``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, computed_field

from services.consult.messages import Message
from services.consult.record.trends import Trend

Flag = Literal["critical", "high", "low", "due", "unconfirmed", "conflict", "gap", "severe", "hold"]
Part = Literal[
    "problems",
    "medicines",
    "allergies",
    "results",
    "immunizations",
    "visits",
    "procedures",
    "appointments",
    "referrals",
]
PARTS: tuple[Part, ...] = (
    "allergies",
    "problems",
    "medicines",
    "results",
    "visits",
    "procedures",
    "immunizations",
    "appointments",
    "referrals",
)
"""In the order of their clinical weight."""
Reference = Annotated[
    str, Field(pattern=r"^[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}(#[A-Za-z0-9._-]{1,64})?$")
]
"""A FHIR reference, ``Type/id``; of an answer ``QuestionnaireResponse/id#linkId``."""


class Rule(Message):
    """The rule behind a line: its id, and the guidance that it follows."""

    id: str
    source: str | None = None
    url: str | None = None


class Line(Message):
    """One statement with the resources that carry it, the most telling first.

    ``day`` is an ISO date (or month, or year), ``at`` the moment where the time of day matters,
    ``detail`` a second sentence. ``course`` is how the number went, where there is more than one;
    it is drawn and not given out, as ``/trends`` has it whole.
    """

    text: str
    sources: tuple[Reference, ...] = Field(min_length=1)
    day: str | None = None
    at: datetime | None = None
    detail: str | None = None
    flag: Flag | None = None
    rule: Rule | None = None
    course: Trend | None = Field(default=None, exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def links(self) -> tuple[str, ...]:
        """Addresses of the sources on this server."""
        return tuple(f"/fhir/{reference}" for reference in self.sources)


class Section(Message):
    """One part of the chart; ``empty`` says, in place of lines, that nothing is recorded."""

    id: Part
    title: str
    lines: tuple[Line, ...] = ()
    empty: str | None = None


class Changes(Message):
    """What is dated after the last finished visit; ``visit`` is None when none is recorded."""

    visit: Line | None = None
    lines: tuple[Line, ...] = ()


class Who(Message):
    """The person as the Patient resource says; ``identifiers`` as recorded.

    ``allergies`` names what is recorded, severe ones first, with how severe and what it does; empty
    where nothing is, not even that there is none. ``allergic``: one of them is an allergy.
    """

    reference: Reference
    name: str
    born: str | None = None
    age: int | None = None
    sex: str | None = None
    deceased: bool = False
    identifiers: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    allergic: bool = False


class Summary(Message):
    """A chart on one day; ``left_out`` counts entries that do not count, by cause."""

    who: Who
    as_of: date
    conflicts: tuple[Line, ...] = ()
    gaps: tuple[Line, ...] = ()
    changes: Changes = Changes()
    sections: tuple[Section, ...] = ()
    left_out: dict[str, int] = Field(default_factory=dict)
