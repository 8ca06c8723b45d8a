"""Search of one type, by GET and by POST."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from fastapi import Response

from services.fhir.access import Disclosure
from services.fhir.errors import FhirFormatError, FhirParameterError
from services.fhir.outcome import fhir_response
from services.fhir.rest.call import Call
from services.fhir.rest.searchset import Answer, searchset
from services.fhir.results import Entry
from services.fhir.search.controls import Pair
from services.fhir.search.cursor import PAGE
from services.fhir.search.query import Query, parse
from services.fhir.search.run import Found
from services.fhir.search.view import named_patients
from services.fhir.validate import require_type

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 200
"""Most parameters of one request."""
_LENIENT = re.compile(r"(?:^|[,;\s])handling=\"?lenient\"?(?:$|[,;\s])")
_ASIDE = frozenset({"_format", "_pretty"})
"""What may stand beside a cursor, which holds its query."""


def search(call: Call, kind: str) -> Response:
    """Search one type; every parameter given must hold."""
    return answer(call, kind, call.pairs)


def search_by_post(call: Call, kind: str) -> Response:
    """Search one type by what a form says, so that it stands in no address."""
    _let_in(call, kind)
    if call.header("content-type").partition(";")[0].strip().lower() != FORM:
        raise FhirFormatError(f"a search by POST is {FORM}", 415)
    try:
        text = call.body.decode("utf-8")
        form = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise FhirParameterError("the form cannot be read") from None
    return answer(call, kind, [*call.pairs, *form])


def answer(call: Call, kind: str, pairs: Sequence[Pair]) -> Response:
    """Return one page of a search.

    Args:
        call: the request.
        kind: resource type.
        pairs: names and values, decoded.
    """
    _let_in(call, kind)
    found = call.store.find(_asked(call, kind, pairs), call.access, call.base)
    if found.query.kind != kind:
        raise FhirParameterError(f"{PAGE} belongs to a search of another type")
    shown = [*found.entries, *found.included]
    whose = _concerned(call, found.query, owners_of(call, shown))
    said = f"{kind}?{urlencode(found.query.pairs)}"
    call.access.disclose(Disclosure("search", kind, whose, said, len(shown)))
    return fhir_response(searchset(_answer(found, f"{call.base}/{said}", call), call.base))


def _let_in(call: Call, kind: str) -> None:
    require_type(kind)
    call.access.require(kind, "s")


def _answer(found: Found, self_link: str, call: Call) -> Answer:
    links = [("self", self_link.removesuffix("?"))]
    if found.next:
        links.append(("next", f"{call.base}/{found.query.kind}?{urlencode({PAGE: found.next})}"))
    controls = found.query.controls
    return Answer(found.entries, found.included, found.total, links, controls, found.cut)


def _concerned(call: Call, query: Query, shown: Sequence[str]) -> tuple[str, ...]:
    """The people of whom an answer tells: that nothing was found tells of who was asked for."""
    own = {call.access.patient} if call.access.patient else named_patients(query)
    return tuple(sorted(own.union(shown)))


def owners_of(call: Call, entries: Sequence[Entry]) -> tuple[str, ...]:
    """The people whom these resources are about; refused where the caller treats one not."""
    owners = call.store.owners([(entry.type, entry.id) for entry in entries])
    call.access.require_known(entries, owners)
    return tuple(sorted(frozenset[str]().union(*owners.values())))


def _asked(call: Call, kind: str, pairs: Sequence[Pair]) -> Query | str:
    if len(pairs) > MAX_FIELDS:
        raise FhirParameterError(f"a search has at most {MAX_FIELDS} parameters")
    cursor = cursor_of(pairs)
    if cursor is not None:
        return cursor
    strict = not _LENIENT.search(call.header("prefer"))
    return parse(kind, pairs, strict=strict, base=call.base)


def cursor_of(pairs: Sequence[Pair]) -> str | None:
    """The cursor that a request brings; None where it brings a search.

    Raises:
        FhirParameterError: it brings both.
    """
    cursors = [value for name, value in pairs if name == PAGE]
    if not cursors:
        return None
    if len(cursors) > 1 or any(name not in _ASIDE | {PAGE} for name, _ in pairs):
        raise FhirParameterError(f"{PAGE} holds its whole search; send it alone")
    return cursors[0]
