"""What a clinician wants to see of the worklist, as it stands in the page's address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

SHOWS = ("all", "mine", "nobody", "handed", "snoozed", "signed")
"""Whose: everybody's, the reader's, nobody's, handed to the reader, snoozed, signed."""
URGENCIES = ("emergency", "urgent", "routine")
WAITS = {"1h": 3600, "4h": 4 * 3600, "1d": 24 * 3600}
"""Waiting for longer than so many seconds."""
LANGUAGES = ("en", "es")
ANSWERS = ("yes", "no")
SORTS = ("urgency", "oldest", "newest")
MAX_DIGITS = 5
_REASON = re.compile(r"[a-z][a-z-]{0,39}")
_CHOICES: dict[str, tuple[str, ...]] = {
    "show": SHOWS,
    "urgency": URGENCIES,
    "waiting": tuple(WAITS),
    "language": LANGUAGES,
    "draft": ANSWERS,
    "overdue": ("yes",),
    "sort": SORTS,
}
FACETS = ("urgency", "waiting", "overdue", "reason", "language", "draft")
"""What narrows a list; they go together."""


@dataclass(frozen=True)
class Filters:
    """A choice of referrals and their order; an empty facet lets everything through."""

    show: str = "all"
    urgency: str = ""
    waiting: str = ""
    overdue: str = ""
    reason: str = ""
    language: str = ""
    draft: str = ""
    sort: str = "urgency"
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Filters:
        """The filters of an address; what is unknown there counts as not said."""
        found: dict[str, Any] = {
            key: query[key] for key, known in _CHOICES.items() if query.get(key) in known
        }
        if query.get("state") == "signed":  # addresses of before there were filters
            found.setdefault("show", "signed")
        if _REASON.fullmatch(query.get("reason", "")):
            found["reason"] = query["reason"]
        number = query.get("page", "")
        if number.isdecimal() and len(number) <= MAX_DIGITS:
            found["page"] = max(1, int(number))
        return cls(**found)

    @property
    def state(self) -> str:
        """Of the referrals: ``open`` or ``signed``."""
        return "signed" if self.show == "signed" else "open"

    @property
    def narrowed(self) -> bool:
        """Whether a facet is chosen."""
        return any(getattr(self, facet) for facet in FACETS)

    def but(self, **changes: Any) -> Filters:
        """These filters with something changed; another choice begins at the first page."""
        return replace(self, **({"page": 1} | changes))

    def without(self, facet: str) -> Filters:
        """These filters with one facet let go."""
        return self.but(**{facet: ""})

    def to_query(self) -> str:
        """As a query string without the question mark; empty for the whole worklist."""
        plain = Filters()
        said = {key: value for key, value in vars(self).items() if value != getattr(plain, key)}
        return urlencode(said)
