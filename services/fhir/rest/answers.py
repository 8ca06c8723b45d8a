"""Answers with a resource: its headers, and how much of it goes out."""

from __future__ import annotations

import re
from email.utils import format_datetime
from typing import Any

from fastapi import Response

from services.fhir import jsontext
from services.fhir.access import Disclosure
from services.fhir.outcome import fhir_response
from services.fhir.rest.call import Call
from services.fhir.rest.conditions import etag
from services.fhir.results import Stored, Written

_RETURN = re.compile(r"(?:^|[,;\s])return=\"?(minimal|representation|OperationOutcome)\"?")


def headers(stored: Stored) -> dict[str, str]:
    """ETag and Last-Modified of a version."""
    modified = format_datetime(stored.updated, usegmt=True)
    return {"ETag": etag(stored.version), "Last-Modified": modified}


def location(base: str, stored: Stored) -> str:
    """Absolute URL of a version."""
    return f"{base}/{stored.type}/{stored.id}/_history/{stored.version}"


def returned(prefer: str, written: Written) -> str:
    """The body that a write is answered with, "" for none.

    Args:
        prefer: the ``Prefer`` header; without it the resource goes out. Who may not read it gets
            none, and who is to be told something gets that, whatever they prefer.
        written: what was done.
    """
    asked = _RETURN.search(prefer)
    wish = asked[1] if asked else "representation"
    if wish == "OperationOutcome" or written.issues:
        return jsontext.dumps(outcome(written))
    return (written.text or "") if wish == "representation" and written.readable else ""


def outcome(written: Written) -> dict[str, Any]:
    """An OperationOutcome that says what a write did."""
    text = f"{written.outcome}: version {written.version}"
    issue = {"severity": "information", "code": "informational", "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [*written.issues, issue]}


def answer(call: Call, written: Written) -> Response:
    """The answer to a write of one resource."""
    body = returned(call.header("prefer"), written)
    if written.text is None:
        given = headers(written)
        return fhir_response(body, headers=given) if body else Response(None, 204, given)
    given = headers(written) | {"Location": location(call.base, written)}
    return fhir_response(body, 201 if written.outcome == "created" else 200, given)


def tell(call: Call, written: Written, body: str) -> None:
    """Write down that the caller is told of a resource which they did not send as it is."""
    if (body and body == written.text) or written.outcome == "unchanged":
        key = (written.type, written.id)
        whose = call.store.owners([key]).get(key, frozenset[str]())
        call.access.disclose(Disclosure("read", "/".join(key), tuple(sorted(whose))))
