"""How OAuth comes and goes over HTTP: forms in, JSON out, refusals in the words of RFC 6749."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from compliance.errors import CaretierError
from services.hospital.smart.errors import OAuthError

FORM = "application/x-www-form-urlencoded"
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
MOST_FIELDS = 40


def one_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The fields of a request, each of which may be given once.

    Raises:
        OAuthError: one is given twice.
    """
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise OAuthError("invalid_request", "A parameter is given more than once.")
        fields[name] = value
    return fields


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a client sent.

    Raises:
        OAuthError: it is no form, or one field is given twice.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"Send {FORM}.")
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The form cannot be read.") from None
    return one_each(pairs)


def told(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    """An answer that no cache may keep."""
    return JSONResponse(body, status, headers=NO_STORE | (headers or {}))


def refused(error: CaretierError) -> JSONResponse:
    """A refusal as RFC 6749 wants it."""
    if not isinstance(error, OAuthError):
        code = "server_error" if error.status >= 500 else "invalid_request"  # noqa: PLR2004
        return told({"error": code, "error_description": error.message}, error.status)
    headers = {}
    if error.status == 401:  # noqa: PLR2004
        headers["www-authenticate"] = 'Basic realm="caretier"'
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return told({"error": error.code, "error_description": error.message}, error.status, headers)


class OAuthRoute(APIRoute):
    """A route whose refusals are those of OAuth."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except CaretierError as error:
                return refused(error)

        return handle
