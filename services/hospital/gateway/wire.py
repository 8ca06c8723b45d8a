"""Errors that both kinds of callers understand: a problem document with OpenAI's ``error`` in it.

A program of ours reads ``type`` and ``remedy`` (RFC 9457), a client of OpenAI's API reads ``error``
with ``message``, ``type``, ``param`` and ``code``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from compliance.errors import CaretierError
from services.web.problems import MEDIA_TYPE, Problem, problem_of

PATHS = ("/v1/models", "/v1/chat/completions")
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {
    "expert-unknown": "model_not_found",
    "not-found": "model_not_found",
    "not-authenticated": "invalid_api_key",
    "rate-limit": "rate_limit_exceeded",
    "engine-context-overflow": "context_length_exceeded",
}
_SERVER = 500
_LATER = frozenset({429, 503})
SOON = "2"
"""Retry-After, in seconds, of an error that does not know better."""


def openai_error(error: CaretierError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The document of one of our own errors, with headers besides those that it has itself."""
    answer = with_error(problem_of(error), getattr(error, "param", None))
    answer.headers.update(headers or {})
    if error.status in _LATER:
        answer.headers.setdefault("retry-after", SOON)
    return answer


def with_error(problem: Problem, param: str | None = None) -> JSONResponse:
    """A problem document with OpenAI's ``error`` beside its own fields."""
    said = json.loads(bytes(problem.body))
    kept = ("www-authenticate", "retry-after", "allow")
    headers = {name: problem.headers[name] for name in kept if name in problem.headers}
    said["error"] = error_of(said, param)
    return JSONResponse(said, problem.status_code, headers, MEDIA_TYPE)


def error_of(problem: dict[str, Any], param: str | None = None) -> dict[str, Any]:
    """OpenAI's error object of a problem document."""
    status, kind = problem["status"], problem["type"].rpartition(":")[2]
    words = [
        str(problem.get("detail") or problem["title"]).rstrip(".") + ".",
        problem.get("remedy"),
    ]
    broken = "server_error" if status >= _SERVER else "invalid_request_error"
    return {
        "message": " ".join(word for word in words if word),
        "type": _TYPES.get(status, broken),
        "param": param,
        "code": _CODES.get(kind, kind.replace("-", "_")),
    }


def as_openai(path: str, problem: Problem) -> Response | None:
    """The same for a refusal of the server's frame; None where the path is not the gateway's."""
    return with_error(problem) if path.startswith(PATHS) else None


class OpenAiRoute(APIRoute):
    """A route whose errors a client of OpenAI's API understands."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler of the route."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except CaretierError as error:
                return openai_error(error)
            except RequestValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(part) for part in first["loc"][1:])
                problem = Problem(
                    422,
                    "bad-input",
                    "The request does not have the right shape.",
                    detail=f"{place or 'The body'} breaks the rule {first['type']}.",
                )
                return with_error(problem, place or None)

        return handle
