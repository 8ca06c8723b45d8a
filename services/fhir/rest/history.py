"""History of one resource, of a type, or of everything: every version, the newest first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fastapi import Response

from services.fhir import jsontext
from services.fhir._history import Asked
from services.fhir.access import Disclosure, ScopeError
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.outcome import fhir_response
from services.fhir.rest.call import Call
from services.fhir.rest.conditions import etag
from services.fhir.results import HistoryPage, Version
from services.fhir.search.moments import span
from services.fhir.validate import ID, require_type

PARAMETERS = frozenset({"_count", "_since", "_at", "_page", "_format", "_pretty"})
MAX_COUNT = 500
DEFAULT_COUNT = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_resource(call: Call, kind: str, identity: str) -> Response:
    """Every version of one resource."""
    require_type(kind)
    call.access.require(kind, "r")
    asked = _asked(call, kind, identity)
    page = call.store.history(asked, call.access) if ID.fullmatch(identity) else None
    if page is None or (page.total == 0 and not _exists(call, kind, identity)):
        raise FhirNotFoundError("there is no such resource for this caller")
    return _answer(call, page, f"{kind}/{identity}/_history")


def of_type(call: Call, kind: str) -> Response:
    """Every version of every resource of a type."""
    require_type(kind)
    call.access.require(kind, "s")
    call.access.require_named(kind, None)
    return _answer(call, call.store.history(_asked(call, kind), call.access), f"{kind}/_history")


def of_all(call: Call) -> Response:
    """Every version of every resource.

    Raises:
        ScopeError: the caller may see one record, or a part of the types, only.
    """
    access = call.access
    if access.patient is not None or access.relation is not None or not access.whole:
        raise ScopeError("Only who may see everything may see the history of everything.")
    return _answer(call, call.store.history(_asked(call), access), "_history")


def _exists(call: Call, kind: str, identity: str) -> bool:
    """Whether the resource is there, or was, although the page has nothing of it."""
    return call.store.history(Asked(kind, identity, count=0), call.access).total > 0


def _asked(call: Call, kind: str | None = None, identity: str | None = None) -> Asked:
    given: dict[str, str] = {}
    for name, value in call.pairs:
        if name not in PARAMETERS:
            raise FhirParameterError("a history takes _since, _at and _count")
        if name in given or not value:
            raise FhirParameterError(f"{name} may be given once, with a value")
        given[name] = value
    since, at = given.get("_since"), given.get("_at")
    return Asked(
        kind,
        identity,
        since=_span("_since", since)[0] if since else None,
        at=_span("_at", at) if at else None,
        count=min(_number("_count", given.get("_count", str(DEFAULT_COUNT))), MAX_COUNT),
        before=_number("_page", given["_page"]) if "_page" in given else None,
    )


def _number(name: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII):
        raise FhirParameterError(f"{name} must be a number")
    return int(value)


def _span(name: str, value: str) -> tuple[str, str]:
    """From when up to before when: a day is the whole day, of UTC where no zone is named."""
    found = span(value.replace(" ", "+"))  # a plus sign, before the query was decoded
    try:
        first, end = (_EPOCH + timedelta(milliseconds=-(-at // 1000)) for at in found or ())
        return _text(first), _text(max(end, first + timedelta(milliseconds=1)))
    except (ValueError, OverflowError):
        raise FhirParameterError(f"{name} must be a date or an instant") from None


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(call: Call, page: HistoryPage, path: str) -> Response:
    """Tell whose versions they are before the bundle is made."""
    for version in page.versions:
        call.access.require_theirs(version.type, version.patients)
    whose = tuple(sorted(frozenset[str]().union(*(v.patients for v in page.versions))))
    query = urlencode([pair for pair in call.pairs if pair[0] != "_page"])
    request = f"{path}?{query}" if query else path
    call.access.disclose(Disclosure("history", path, whose, request, len(page.versions)))
    links = [{"relation": "self", "url": f"{call.base}/{request}"}]
    if page.next is not None:
        further = urlencode([*(p for p in call.pairs if p[0] != "_page"), ("_page", page.next)])
        links.append({"relation": "next", "url": f"{call.base}/{path}?{further}"})
    head = {"resourceType": "Bundle", "type": "history", "total": page.total, "link": links}
    text = jsontext.dumps(head)
    if page.versions:
        entries = ",".join(_entry(version, call.base) for version in page.versions)
        text = f'{text[:-1]},"entry":[{entries}]}}'
    return fhir_response(text)


def _entry(version: Version, base: str) -> str:
    url = f"{version.type}/{version.id}"
    created = version.method == "POST" or (version.version == 1 and version.text is not None)
    status = "204" if version.text is None else "201" if created else "200"
    parts = {
        "fullUrl": f"{base}/{url}",
        "request": {
            "method": version.method,
            "url": version.type if version.method == "POST" else url,
        },
        "response": {
            "status": status,
            "etag": etag(version.version),
            "lastModified": _text(version.updated),
        },
    }
    text = jsontext.dumps(parts)
    return text if version.text is None else f'{text[:-1]},"resource":{version.text}}}'
