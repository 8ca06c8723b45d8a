"""A long file, line by line, taken up again where it broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx

from services.fhir.client.errors import (
    FhirAnswerError,
    FhirAwayError,
    FhirRefusedError,
    FhirServerError,
)
from services.fhir.client.pace import pause
from services.fhir.client.settings import ClientSettings
from services.fhir.client.wire import Call, Wire

NDJSON = "application/fhir+ndjson"


class Download:
    """One file.

    Args:
        wire: makes the calls.
        settings: limits.
        url: of the file.
        tokened: whether the access token goes along.
    """

    def __init__(self, wire: Wire, settings: ClientSettings, url: str, *, tokened: bool) -> None:
        self._wire, self._settings = wire, settings
        self._url, self._tokened = url, tokened
        self._done = 0
        self._etag: str | None = None

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines that are not empty, without their ends.

        Raises:
            FhirRefusedError: the server refuses the file.
            FhirAwayError: it broke off too often without a whole line more.
            FhirAnswerError: a line is too long.
        """
        failed, fresh = 0, False
        cause: FhirServerError
        while True:
            before = self._done
            try:
                async for line in self._attempt(fresh=fresh):
                    yield line
            except FhirRefusedError as error:
                if error.answered == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                    return  # it had ended with a whole line
                unsigned = error.answered == httpx.codes.UNAUTHORIZED and not fresh
                if not (error.passing or unsigned):
                    raise
                fresh, asked, cause = unsigned, error.retry_after, error
            except FhirAwayError as error:
                fresh, asked, cause = False, error.retry_after, error
            else:
                return
            failed = 1 if self._done > before else failed + 1
            if failed >= self._settings.attempts:
                raise cause
            await asyncio.sleep(pause(failed, self._settings, asked))

    async def _attempt(self, *, fresh: bool) -> AsyncIterator[bytes]:
        headers = {"accept": NDJSON, "accept-encoding": "identity"}
        if self._done:
            headers["range"] = f"bytes={self._done}-"
            headers |= {"if-range": self._etag} if self._etag else {}
        call = Call("GET", self._url, headers=headers, tokened=self._tokened)
        async with self._wire.stream(call, fresh=fresh) as answer:
            skip = 0 if _goes_on(answer, self._done) else self._done
            etag = answer.headers.get("etag", "")
            self._etag = etag if etag.startswith('"') else None
            rest = b""
            async for piece in answer.aiter_bytes():
                rest += piece[skip:]
                skip = max(0, skip - len(piece))
                *whole, rest = rest.split(b"\n")
                for line in whole:
                    self._done += len(line) + 1
                    if line.strip():
                        yield line
                if len(rest) > self._settings.line_cap:
                    raise FhirAnswerError("The FHIR server gives a line that is too long.")
            if rest.strip():
                self._done += len(rest)
                yield rest


def _goes_on(answer: httpx.Response, start: int) -> bool:
    """Whether an answer is the rest of the file; otherwise it is the whole file once more."""
    given = answer.headers.get("content-range", "")
    return answer.status_code == httpx.codes.PARTIAL_CONTENT and given.startswith(f"bytes {start}-")
