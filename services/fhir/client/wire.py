"""One call, until it is answered: token, pace, attempts, deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from services.fhir.client.answers import issue_codes
from services.fhir.client.errors import FhirAwayError, FhirRefusedError, FhirServerError
from services.fhir.client.pace import NOT_BEGUN, PASSING, Pace, date_of, pause, retry_after
from services.fhir.client.settings import ClientSettings, Connects
from services.fhir.client.tokens import TokenSource

JSON = "application/fhir+json"
ACCEPT = f"{JSON}, application/json;q=0.9"
ERROR_CAP = 1 << 20
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        method: of HTTP.
        url: absolute.
        content: body, or None.
        headers: beside the usual ones.
        repeatable: whether it may be made twice without doing something twice.
        tokened: whether the access token goes along.
    """

    method: str
    url: str
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = True
    tokened: bool = True


@dataclass(frozen=True)
class Reply:
    """An answer that is no error."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)


class Wire:
    """Makes the calls of one client to one server.

    Args:
        connects: makes HTTP clients.
        tokens: of this server.
        settings: limits.
    """

    def __init__(self, connects: Connects, tokens: TokenSource, settings: ClientSettings) -> None:
        self._tokens, self._settings, self._connects = tokens, settings, connects
        self._pace = Pace(settings)
        self._http = connects.client(timeout=settings.timeout, cap=settings.cap)
        self.clock: datetime | None = None
        """What the server's clock said with its last answer."""

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def send(self, call: Call) -> Reply:
        """Make a call, again where that may help, until it is answered or time is over.

        Raises:
            FhirRefusedError: the server answered with an error.
            FhirAwayError: there was no answer in time.
            FhirSignInError: there is no token.
            OutboundRefusedError: the address may not be called.
        """
        deadline = asyncio.get_running_loop().time() + self._settings.deadline
        fresh, attempt = False, 0
        while True:
            try:
                return await self._once(call, fresh=fresh)
            except FhirRefusedError as error:
                if error.answered == httpx.codes.UNAUTHORIZED and call.tokened and not fresh:
                    fresh = True
                    continue
                if not self._again(call, error):
                    raise
                failed: FhirServerError = error
            except FhirAwayError as error:
                if not (call.repeatable or isinstance(error.__cause__, _NOT_SENT)):
                    raise
                failed = error
            wait = pause(attempt, self._settings, failed.retry_after)
            attempt += 1
            left = deadline - asyncio.get_running_loop().time()
            if attempt >= self._settings.attempts or wait > left:
                raise failed
            await asyncio.sleep(wait)

    def _again(self, call: Call, error: FhirRefusedError) -> bool:
        if error.answered in NOT_BEGUN:
            return True
        return error.answered in PASSING and call.repeatable

    async def _once(self, call: Call, *, fresh: bool) -> Reply:
        request = self._http.build_request(
            call.method,
            call.url,
            content=call.content,
            headers=await self._headers(call, fresh=fresh),
        )
        async with self._pace.turn():
            try:
                answer = await self._http.send(request)
            except httpx.HTTPError as error:
                self._pace.told(answered=False)
                raise FhirAwayError("The FHIR server does not answer.") from error
            self._pace.told(answered=True)
        self.clock = date_of(answer.headers.get("date")) or self.clock
        if not answer.is_success:
            raise _refusal(answer, answer.content)
        return Reply(answer.status_code, answer.headers, answer.content)

    async def _headers(self, call: Call, *, fresh: bool) -> dict[str, str]:
        headers = {"accept": ACCEPT, **call.headers}
        if call.content is not None:
            headers.setdefault("content-type", JSON)
        token = await self._tokens.token(fresh=fresh) if call.tokened else None
        return headers if token is None else {**headers, "authorization": f"Bearer {token}"}

    @asynccontextmanager
    async def stream(self, call: Call, *, fresh: bool = False) -> AsyncIterator[httpx.Response]:
        """Make a call once and give its answer to be read piece by piece.

        Args:
            call: what is asked.
            fresh: whether another token is got first.

        Raises:
            FhirRefusedError: the server answered with an error.
            FhirAwayError: it does not answer.
        """
        settings = self._settings
        headers = await self._headers(call, fresh=fresh)
        timeout = httpx.Timeout(settings.timeout)
        async with (
            self._connects.client(timeout=settings.file_seconds, cap=settings.file_cap) as http,
            self._pace.turn(),
        ):
            try:
                async with http.stream(
                    call.method, call.url, headers=headers, timeout=timeout
                ) as answer:
                    if not answer.is_success:
                        raise _refusal(answer, b"")
                    yield answer
            except httpx.HTTPError as error:
                raise FhirAwayError("The FHIR server does not answer.") from error


def _refusal(answer: httpx.Response, content: bytes) -> FhirRefusedError:
    codes = issue_codes(content) if len(content) <= ERROR_CAP else ()
    error = FhirRefusedError(answer.status_code, codes)
    error.passing = answer.status_code in PASSING
    asked = retry_after(answer.headers)
    error.retry_after = None if asked is None else round(asked)
    return error
