"""The whole record of one person: ``Patient/{id}/$everything``."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Response

from services.fhir.access import Disclosure
from services.fhir.errors import FhirNotFoundError
from services.fhir.outcome import fhir_response
from services.fhir.rest.call import Call
from services.fhir.rest.search import cursor_of, owners_of
from services.fhir.rest.searchset import Answer, searchset
from services.fhir.search.cursor import PAGE
from services.fhir.search.record import read_asked
from services.fhir.validate import ID


def everything(call: Call, identity: str) -> Response:
    """Return one person's whole record, in pages where ``_count`` asks for them."""
    call.access.require_whole(identity)
    if not ID.fullmatch(identity):
        raise FhirNotFoundError("there is no such patient for this caller")
    cursor = cursor_of(call.pairs)
    asked = read_asked(identity, call.pairs) if cursor is None else cursor
    page = call.store.record_page(asked)
    if page is None or page.asked.patient != identity:
        raise FhirNotFoundError("there is no such patient for this caller")
    owners_of(call, page.entries)
    address = f"{call.base}/Patient/{identity}/$everything"
    request = urlencode(page.asked.pairs)
    disclosure = Disclosure(
        "everything", f"Patient/{identity}", (identity,), request, len(page.entries)
    )
    call.access.disclose(disclosure)
    links = [("self", f"{address}?{request}" if request else address)]
    if page.next:
        links.append(("next", f"{address}?{urlencode({PAGE: page.next})}"))
    return fhir_response(searchset(Answer(page.entries, (), page.total, links), call.base))
