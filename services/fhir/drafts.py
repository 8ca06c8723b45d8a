"""What is to be written, and what is asked about it before it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.fhir._prepare import Prepared
from services.fhir._versions import Method
from services.fhir.access import Access, Letter
from services.fhir.errors import FhirPreconditionError
from services.fhir.results import Entry, Issue

Match = Callable[[int | None], bool]
"""Whether a version number, or None where nothing is, is what the request expects."""
Check = Callable[[Session, Entry, Access], Sequence[Issue]]
"""Looks at what a caller with this access has just written of a type, before it counts: raises to
refuse it, or returns what the caller is told with the answer. It may write to tables beside."""
NO_CHECKS: Mapping[str, Check] = {}


@dataclass(frozen=True)
class Draft:
    """What is to be written.

    Attributes:
        item: the resource.
        method: HTTP verb that asks for it; POST makes a new one, under an id of the server's.
        match: what the version has to be that is there now.
        within: is entered while the draft is judged, so that an error can say where it is from.
    """

    item: Prepared
    method: Method
    match: Match | None = None
    within: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def letter(self) -> Letter:
        """What it does, as a letter of a scope."""
        return "c" if self.method == "POST" else "u"


def require_match(match: Match | None, before: Entry | None) -> None:
    """Refuse to write over another version than is expected.

    Raises:
        FhirPreconditionError: it is another one.
    """
    if match is not None and not match(before.version if before else None):
        raise FhirPreconditionError("the resource is at another version")
