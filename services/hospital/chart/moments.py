"""Times of day of a record: the moment that a FHIR dateTime or instant names, if it names one."""

from __future__ import annotations

import re
from datetime import datetime

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")


def moment_of(said: str) -> datetime | None:
    """The moment of a dateTime or instant, with its own offset; None where it tells no time."""
    if not _MOMENT.fullmatch(said):
        return None
    try:
        return datetime.fromisoformat(said.replace(":60", ":59"))
    except ValueError:
        return None
