"""RFC 9457 problem documents: every error of the API, with a stable type and nothing protected."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from compliance.errors import CaretierError

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger("caretier.web")
_SLUGS = {
    400: ("bad-request", "The request cannot be read."),
    401: ("not-signed-in", "Sign in first."),
    403: ("forbidden", "This is not allowed."),
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take that method."),
    413: ("too-large", "The request is larger than this address takes."),
    415: ("wrong-content-type", "This address does not take that content type."),
    422: ("bad-input", "The request does not have the right shape."),
}


class Problem(JSONResponse):
    """A problem document as a response."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        *,
        detail: str | None = None,
        remedy: str | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        body: dict[str, Any] = {
            "type": f"urn:caretier:problem:{slug}",
            "title": title,
            "status": status,
        }
        body |= {k: v for k, v in (("detail", detail), ("remedy", remedy)) if v} | extra
        super().__init__(body, status, headers=headers)


def problem_of(error: CaretierError) -> Problem:
    """The problem document of one of our own errors."""
    title = type(error).__doc__ or "Something went wrong."
    headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}  # noqa: PLR2004
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return Problem(
        error.status,
        error.kind,
        title.splitlines()[0],
        detail=error.message,
        remedy=error.advice,
        headers=headers,
    )


async def _own(_request: Request, error: Exception) -> Problem:
    assert isinstance(error, CaretierError)  # noqa: S101 - the handler is registered for it
    if error.status >= 500:  # noqa: PLR2004
        _LOG.warning("problem %s", error.kind)
    return problem_of(error)


async def _invalid(_request: Request, error: Exception) -> Problem:
    """Name the places, never the values: those may be protected."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the handler is registered for it
    places = [{"at": ".".join(str(p) for p in e["loc"]), "rule": e["type"]} for e in error.errors()]
    slug, title = _SLUGS[422]
    return Problem(422, slug, title, remedy="Correct the named places.", errors=places[:20])


async def _http(_request: Request, error: Exception) -> Problem:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for it
    slug, title = _SLUGS.get(error.status_code, ("http-error", "The request failed."))
    headers = dict(error.headers) if error.headers else None
    return Problem(error.status_code, slug, title, headers=headers)


def unexpected(error: Exception, route: str) -> Problem:
    """Say that it failed; the type and place of the error go to the log, its text does not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    place = f"{code.co_name}:{trace.tb_lineno}" if code and trace else "?"
    _LOG.error("unexpected %s in %s at %s", type(error).__name__, place, route)
    return Problem(500, "internal", "Something went wrong here.", remedy="Try again later.")


def install(app: FastAPI) -> None:
    """Turn the errors of an application into problem documents.

    Errors that nobody expected pass through to `services.web.guard`, which calls `unexpected`.
    """
    app.add_exception_handler(CaretierError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
