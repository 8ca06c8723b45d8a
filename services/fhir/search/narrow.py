"""Granular scopes: searches by which a scope narrows a type (``category=vital-signs``)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import ColumnElement, and_, false, or_

from services.fhir.errors import FhirParameterError
from services.fhir.search.compile import conditions, nothing_else
from services.fhir.search.controls import CONTROLS
from services.fhir.search.query import Chained, Criterion, Has, parse


@lru_cache(maxsize=500)
def narrowing(kind: str, text: str) -> tuple[Criterion, ...]:
    """Read the search of a granular scope.

    Args:
        kind: resource type of the scope.
        text: what stands behind its question mark, percent-encoded or not.

    Raises:
        FhirParameterError: it is not understood, or steps to other resources.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError:
        raise FhirParameterError("the search of a scope is not understood") from None
    if any(name.partition(":")[0] in CONTROLS for name, _ in pairs):
        raise FhirParameterError("the search of a scope selects, and does nothing else")
    criteria = parse(kind, pairs).criteria
    if not criteria or any(isinstance(c, Chained | Has) for c in criteria):
        raise FhirParameterError("the search of a scope may not step to other resources")
    return criteria


def narrowed(kind: str, texts: Sequence[str], row: Any) -> ColumnElement[bool]:
    """Return the condition that ``row`` matches one of the searches.

    One that is not understood matches nothing: a scope must not widen by being odd.
    """
    ways = []
    for text in texts:
        try:
            criteria = narrowing(kind, text)
        except FhirParameterError:
            continue
        ways.append(and_(*conditions(kind, criteria, row, nothing_else, drive=False)))
    return or_(*ways) if ways else false()
