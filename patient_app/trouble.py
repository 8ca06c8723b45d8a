"""Refusals in the reader's language: what a problem document says to a person who reads Spanish.

An error is raised with an English sentence. That sentence is the key to its translation: section
``refusal`` of the catalogue holds it, with ``{places}``, beside the Spanish one. What stands there
is said exactly; anything else is said by its kind (section ``trouble``). ``type`` and ``status``
are for machines and stay as they are; so does the whole document for an English reader, but for
remedies that name a command, since a page has no command line.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compliance.errors import CaretierError
from services.web.i18n import Catalogue, Translator, negotiate
from services.web.problems import MEDIA_TYPE, problem_of

LOCALE = Path(__file__).parent / "locale"
URN = "urn:caretier:problem:"
_PLACE = re.compile(r"\\\{(\w+)\\\}")
Document = dict[str, Any]


@lru_cache(maxsize=2)
def _words(language: str) -> Translator:
    return Catalogue.load(LOCALE).translator(language)


@lru_cache(maxsize=1)
def _refusals() -> list[tuple[str, re.Pattern[str]]]:
    """Key and pattern of every English sentence."""
    known = Catalogue.load(LOCALE).sentences["en"]
    return [
        (key, re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL))
        for key, text in known.items()
        if key.startswith("refusal.") and not key.endswith("_do")
    ]


def refusal_of(message: str) -> tuple[str, Mapping[str, str]] | None:
    """Key of an English sentence and what stands in its places; None where it is not known."""
    for key, pattern in _refusals():
        if found := pattern.fullmatch(message):
            return key, found.groupdict()
    return None


def told(kind: str, message: str, advice: str, language: str) -> tuple[str, str]:
    """What happened and what to do, in a language.

    Args:
        kind: of the error.
        message: that it was raised with.
        advice: what it says to do.
        language: of the reader.
    """
    t, found = _words(negotiate(language)), refusal_of(message)
    what, remedy = _said(t, f"trouble.{kind}") or message, _said(t, f"trouble.{kind}_do") or advice
    if found is None:
        return what, remedy
    key, places = found
    return t(key, **places), _said(t, f"{key}_do", **places) or remedy


def _said(t: Translator, key: str, **places: str) -> str | None:
    try:
        return t(key, **places)
    except KeyError:
        return None


def reworded(document: Document, language: str) -> Document:
    """A problem document as a reader of this language is to see it."""
    kind = str(document.get("type", "")).removeprefix(URN)
    title, advice = str(document.get("title", "")), str(document.get("remedy", ""))
    message = str(document.get("detail") or title)
    what, remedy = told(kind, message, advice, language)
    if negotiate(language) == "en":
        return {**document, "remedy": remedy} if "`" in advice else document
    words = {"title": _said(_words(negotiate(language)), f"trouble.{kind}") or title}
    words |= {"detail": what} | ({"remedy": remedy} if remedy else {})
    return {**document, **words}


def problem_in(error: CaretierError, language: str) -> Document:
    """The problem document of an error, in a language."""
    document: Document = json.loads(bytes(problem_of(error).body))
    return reworded(document, language)


class InReadersLanguage:
    """ASGI middleware: rewrites problem documents on their way out.

    Args:
        app: the application inside.
        language: of the person whose record a request opens; None where there is none, then
            ``Accept-Language`` counts.
    """

    def __init__(self, app: ASGIApp, *, language: Callable[[Request], str | None]) -> None:
        self._app, self._language = app, language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def pass_on(message: Message) -> None:
            if not held and not _is_problem(message):
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                start, *parts = held
                body = b"".join(part.get("body", b"") for part in parts)
                language = await asyncio.to_thread(self._read_by, Request(scope))
                body = _body(body, language)
                await send(_start(start, len(body), language))
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, pass_on)

    def _read_by(self, request: Request) -> str:
        chosen = None
        with suppress(CaretierError):  # a vault that does not open has no language to tell
            chosen = self._language(request)
        return negotiate(chosen or request.headers.get("accept-language"))


def _is_problem(message: Message) -> bool:
    headers: dict[bytes, bytes] = dict(message.get("headers", ()))
    return headers.get(b"content-type", b"").partition(b";")[0] == MEDIA_TYPE.encode()


def _body(body: bytes, language: str) -> bytes:
    try:
        document = json.loads(body)
    except ValueError:
        return body
    return json.dumps(reworded(document, language), ensure_ascii=False).encode()


def _start(start: Message, size: int, language: str) -> Message:
    kept = [(k, v) for k, v in start["headers"] if k != b"content-length"]
    fresh = [(b"content-length", str(size).encode()), (b"content-language", language.encode())]
    return {**start, "headers": [*kept, *fresh]}
