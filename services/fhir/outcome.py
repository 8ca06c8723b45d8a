"""Errors as FHIR OperationOutcome, and responses as ``application/fhir+json``."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from compliance.errors import CaretierError
from services.fhir import jsontext
from services.fhir.errors import FhirEntryError, FhirInvalidError, FhirMethodError
from services.web.problems import Problem

MEDIA_TYPE = "application/fhir+json"
_ISSUE = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    503: "transient",
}


def fhir_response(
    text: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return ``text``, the JSON of a resource, as a response."""
    return Response(text, status, dict(headers or {}), f"{MEDIA_TYPE}; charset=utf-8")


def operation_outcome(code: str, diagnostics: str, expression: str | None = None) -> dict[str, Any]:
    """Return an OperationOutcome with one error; ``code`` is of the issue-type value set."""
    issue: dict[str, Any] = {"severity": "error", "code": code, "diagnostics": diagnostics}
    if expression:
        issue["expression"] = [expression]
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def outcome_of(error: CaretierError) -> dict[str, Any]:
    """Return the OperationOutcome that says what ``error`` says, one issue per broken rule."""
    if isinstance(error, FhirEntryError):
        return _in_entry(outcome_of(error.cause), error.number)
    if not isinstance(error, FhirInvalidError):
        code = getattr(error, "code", None) or _ISSUE.get(error.status, "processing")
        return operation_outcome(code, f"{error.message}. {error.advice}")
    issues = [
        operation_outcome("invalid", str(fault), fault.element)["issue"][0]
        for fault in error.faults
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}


def as_outcome(path: str, problem: Problem) -> Response:
    """Return a refusal of the server's frame as an OperationOutcome, where the path is of FHIR."""
    if path != "/fhir" and not path.startswith("/fhir/"):
        return problem
    said = json.loads(bytes(problem.body))
    code = _ISSUE.get(problem.status_code, "exception")
    text = jsontext.dumps(operation_outcome(code, said["title"]))
    return fhir_response(text, problem.status_code)


def _in_entry(outcome: dict[str, Any], number: int) -> dict[str, Any]:
    """The outcome of an entry as one of its bundle."""
    for issue in outcome["issue"]:
        where = f"Bundle.entry[{number}]"
        issue["diagnostics"] = f"entry {number}: {issue['diagnostics']}"
        element = issue.get("expression", [""])[0].partition(".")[2]
        issue["expression"] = [f"{where}.resource.{element}" if element else where]
    return outcome


def _refusal(error: CaretierError) -> Response:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:  # noqa: PLR2004  # HTTP's
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, FhirMethodError) and error.allowed:
        headers["Allow"] = ", ".join(error.allowed)
    return fhir_response(jsontext.dumps(outcome_of(error)), error.status, headers)


def _laid_out(request: Request, response: Response) -> Response:
    """The response over several lines, where ``_pretty`` asks for that."""
    is_json = response.headers.get("content-type", "").startswith(MEDIA_TYPE)
    body = getattr(response, "body", b"")
    if request.query_params.get("_pretty") != "true" or not (is_json and body):
        return response
    response.body = jsontext.pretty(bytes(body).decode()).encode()
    response.headers["content-length"] = str(len(response.body))
    return response


class FhirRoute(APIRoute):
    """A route whose refusals are OperationOutcomes, those of its dependencies included."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # starlette says Coroutine
        """Wrap the handler that FastAPI makes."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return _laid_out(request, await handler(request))
            except CaretierError as error:
                return _laid_out(request, _refusal(error))
            except HTTPException as error:
                code = _ISSUE.get(error.status_code, "processing")
                body = operation_outcome(code, str(error.detail))
                return fhir_response(jsontext.dumps(body), error.status_code, error.headers)
            except RequestValidationError as error:
                names = ", ".join(str(item["loc"][-1]) for item in error.errors())
                body = operation_outcome("invalid", f"parameter cannot be used: {names}")
                return fhir_response(jsontext.dumps(body), 400)

        return handle
