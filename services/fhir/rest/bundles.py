"""Bundles posted to the base: a transaction as one, the entries of a batch each by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from fastapi import Request, Response
from starlette.routing import compile_path

from compliance.errors import CaretierError
from services.fhir import jsontext
from services.fhir.errors import (
    FhirEntryError,
    FhirMethodError,
    FhirNotFoundError,
    FhirRequestError,
)
from services.fhir.outcome import fhir_response, operation_outcome, outcome_of
from services.fhir.rest.answers import headers, location, outcome, returned, tell
from services.fhir.rest.call import Call, Handler, Route, serve
from services.fhir.rest.negotiation import check_content
from services.fhir.rest.planning import plan
from services.fhir.rest.steps import Step, entry, read_bundle, read_step
from services.fhir.rest.transaction import Transaction
from services.fhir.results import Written

_ERROR = 400
MAX_ANSWER = 64 << 20
"""Most characters that one bundle is answered with; what comes behind is not done in a batch."""
_READING = frozenset({"GET", "HEAD"})
Inner = Sequence[tuple[Route, re.Pattern[str]]]
"""Routes that answer entries, with what their paths look like."""


def process(routes: Sequence[Route]) -> Handler:
    """Return the handler of bundles; their entries are answered by ``routes``."""
    inner: Inner = [(route, compile_path(route.path)[0]) for route in routes]

    def bundle(call: Call) -> Response:
        """Do what a bundle says: a transaction as one, a batch entry by entry."""
        check_content(call.header("content-type"))
        kind, items = read_bundle(call.body)
        if kind == "batch":
            answers = _batch(call, items, inner)
        else:
            steps = [read_step(number, item, call.base) for number, item in enumerate(items)]
            answers = _transact(call, steps, inner)
        text = jsontext.dumps({"resourceType": "Bundle", "type": f"{kind}-response"})
        if answers:  # FHIR has no empty arrays
            text = f'{text[:-1]},"entry":[{",".join(answers)}]}}'
        return fhir_response(text)

    return bundle


def _transact(call: Call, steps: Sequence[Step], inner: Inner) -> list[str]:
    """Write in one turn, then read; what cannot be read is refused while the turn lasts."""
    planned = plan(steps, call.access)
    reads = [step for step in steps if step.method in _READING]
    for step in reads:
        with entry(step.number):
            _found(step, inner)
    done = call.store.write(lambda writer: Transaction(planned, writer).run(reads), call.access)
    answers = {number: _written(call, written) for number, written in done.items()}
    room = MAX_ANSWER - sum(map(len, answers.values()))
    for step in reads:
        answers[step.number] = _answered(call, step, inner) if room > 0 else _TOO_MUCH
        room -= len(answers[step.number])
    return [answers[step.number] for step in steps]


def _batch(call: Call, items: Sequence[Any], inner: Inner) -> list[str]:
    """Do entry by entry, and refuse the rest once the answer is as long as it may be."""
    answers: list[str] = []
    room = MAX_ANSWER
    for number, item in enumerate(items):
        answers.append(_alone(call, number, item, inner) if room > 0 else _TOO_MUCH)
        room -= len(answers[-1])
    return answers


def _written(call: Call, written: Written | None) -> str:
    """The entry that answers a write."""
    if written is None:
        return _entry(204, {})
    status = {"created": 201, "deleted": 204}.get(written.outcome, 200)
    told = headers(written) | {"Location": location(call.base, written)}
    extra = outcome(written) if written.issues else None
    body = returned(_preferred(call), written)
    tell(call, written, body)
    return _entry(status, told, body, extra)


def _alone(call: Call, number: int, item: Any, inner: Inner) -> str:
    """The entry that answers one of a batch."""
    try:
        return _answered(call, read_step(number, item, call.base), inner)
    except FhirEntryError as error:
        return _entry(error.status, {}, "", outcome_of(error))


def _answered(call: Call, step: Step, inner: Inner) -> str:
    """The entry that answers another one, as if it had come by itself."""
    try:
        route, places = _found(step, inner)
        made = serve(route, _call(call, step), places)
    except CaretierError as error:
        return _entry(error.status, {}, "", outcome_of(error))
    body = "" if step.method == "HEAD" else bytes(made.body).decode()
    return _entry(made.status_code, dict(made.headers), body)


def _found(step: Step, inner: Inner) -> tuple[Route, dict[str, str]]:
    """The route of an entry, and the values of its path.

    Raises:
        FhirNotFoundError, FhirMethodError: there is none.
        FhirRequestError: the address holds what stands in no address.
    """
    path = "/" + unquote(step.url.partition("?")[0])
    if "\0" in path or "%00" in step.url:
        raise FhirRequestError("its url cannot be read")
    method = "GET" if step.method == "HEAD" else step.method
    fits = [(route, match) for route, form in inner if (match := form.match(path))]
    for route, match in fits:
        if route.method == method and not route.path.endswith("/_search"):
            return route, match.groupdict()
    if fits:
        raise FhirMethodError("this address does not take that method")
    raise FhirNotFoundError("there is nothing at this address")


def _call(call: Call, step: Step) -> Call:
    """The call that an entry would have been."""
    path, _, query = step.url.partition("?")
    given = {"content-type": step.content_type, "prefer": _preferred(call), **step.headers}
    scope: dict[str, Any] = {
        "type": "http",
        "method": step.method,
        "path": f"/fhir/{unquote(path)}",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "app": call.request.app,
    }
    return Call(Request(scope), call.store, call.access, call.base, step.body)


def _preferred(call: Call) -> str:
    """What is to come back of a write: nothing, unless the caller says so."""
    prefer = call.header("prefer")
    return prefer if "return=" in prefer else f"return=minimal; {prefer}"


def _entry(
    status: int, told: dict[str, str], body: str = "", extra: dict[str, Any] | None = None
) -> str:
    """An entry of the answer.

    Args:
        status: of HTTP.
        told: headers.
        body: JSON of a resource, "" for none.
        extra: an OperationOutcome that comes with it.
    """
    known = {name.lower(): value for name, value in told.items()}
    response: dict[str, Any] = {"status": f"{status} {HTTPStatus(status).phrase}"}
    if "location" in known and status in {200, 201}:
        response["location"] = known["location"]
    if "etag" in known:
        response["etag"] = known["etag"]
    if "last-modified" in known:
        response["lastModified"] = parsedate_to_datetime(known["last-modified"]).isoformat()
    if extra is not None:
        response["outcome"] = extra
    resource = f'"resource":{body},' if body and status < _ERROR else ""
    return f'{{{resource}"response":{jsontext.dumps(response)}}}'


_TOO_MUCH = _entry(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    {},
    "",
    operation_outcome("too-costly", "the answer to this bundle would be too long: send this alone"),
)
"""The entry that answers one for which there is no room."""
