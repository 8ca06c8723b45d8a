"""From a call to its cards, always within the time that a clinician waits.

Everything that can take long has its end: what the FHIR server does not give by `FETCH_SECONDS` is
missing, what is not decided by `WORK_SECONDS` is not checked, and both are said on a card. An
answer that could not be written down by `ANSWER_SECONDS` tells nothing of the patient. So a
missing card never looks like a clean result.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypeVar

from services.fhir.cds.cards import Decision
from services.fhir.cds.errors import CdsPreconditionError, CdsRequestError, CdsUnavailableError
from services.fhir.cds.fetch import ClientFor, fetch
from services.fhir.cds.messages import CdsRequest, FeedbackRequest, parsed
from services.fhir.cds.prefetch import Gathered, fill
from services.fhir.cds.service import Call, Service
from services.fhir.cds.tokens import TrustedEhr
from services.fhir.cds.unchecked import UNAVAILABLE, unchecked
from services.fhir.jsontext import loads

FETCH_SECONDS = 0.2
WORK_SECONDS = 0.33
ANSWER_SECONDS = 0.4
"""After which the answer goes out, in seconds from the moment that the call is here as a whole."""
MAX_BODY = 4 << 20
"""Longest body of a call, in bytes."""
_LOG = logging.getLogger("caretier.cds")
_Result = TypeVar("_Result")


class Ledger(Protocol):
    """Chooses what is shown, and writes down what is given out."""

    def settle(
        self, service: Service[Any], call: Call[Any], found: list[Decision]
    ) -> list[Decision]:
        """Return what is shown of what was found, once it is written down.

        Raises:
            AuditError: it could not be; nothing may be given out.
        """
        ...

    def feedback(self, ehr: TrustedEhr, service: str, given: FeedbackRequest) -> None:
        """Keep what people did with cards.

        Raises:
            NotFoundError: a card was not given to this EHR by this service.
        """
        ...


@dataclass(frozen=True)
class Arrived:
    """A call as it came in: its body, when it was here (time of the loop), and from where."""

    body: bytes
    began: float
    base: str
    client: str | None = None


class CdsHooks:
    """The services of one node.

    Args:
        services: by id.
        client_for: makes clients for FHIR servers.
        ledger: see there.
        today: the day on which it is decided.
    """

    def __init__(
        self,
        services: Mapping[str, Service[Any]],
        client_for: ClientFor,
        ledger: Ledger,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self.services, self._ledger, self._today = services, ledger, today
        self._client_for = client_for
        self._thinking = ThreadPoolExecutor(2, "cds-think")
        self._writing = ThreadPoolExecutor(4, "cds-write")

    async def answer(
        self, service: Service[Any], ehr: TrustedEhr, arrived: Arrived
    ) -> dict[str, Any]:
        """Return the body of the response.

        Raises:
            CdsRequestError: it is no call of this service.
            CdsPreconditionError: there is nothing to decide on, and nothing that may be asked.
        """
        try:
            request, call = await self._within(
                arrived.began + WORK_SECONDS,
                self._thinking,
                lambda: read_call(service, ehr, arrived, self._today()),
            )
        except CdsUnavailableError:
            return _body([UNAVAILABLE])
        await self._complete(service, request, call, arrived.began + FETCH_SECONDS)
        found, whole = await self._decide(service, call, arrived.began + WORK_SECONDS)
        found += unchecked(service, call.gathered, whole=whole)
        until = max(arrived.began + ANSWER_SECONDS, asyncio.get_running_loop().time() + 0.02)
        try:
            shown = await self._within(
                until, self._writing, lambda: self._ledger.settle(service, call, found)
            )
        except CdsUnavailableError:
            shown = [UNAVAILABLE]
        return _body(shown)

    async def feedback(self, service: Service[Any], ehr: TrustedEhr, body: bytes) -> None:
        """Keep feedback to the cards of a service.

        Raises:
            CdsRequestError: it is no feedback.
            NotFoundError: a card is not one of this EHR's.
        """
        given = parsed(FeedbackRequest, json_of(body))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(
            self._writing, lambda: self._ledger.feedback(ehr, service.id, given)
        )

    async def _complete(
        self, service: Service[Any], request: CdsRequest, call: Call[Any], until: float
    ) -> None:
        """Ask the EHR's FHIR server for what is missing, where the call lets us."""
        gathered = call.gathered
        given = call.context.model_dump(by_alias=True, exclude_none=True)
        wanted = {key: fill(service.prefetch[key], given) for key in sorted(gathered.missing)}
        asked = {key: path for key, path in wanted.items() if path is not None}
        for key in set(wanted) - set(asked):  # a template for a context that this call has not
            gathered.missing.discard(key)
        server = _server(request, call.ehr)
        if server is None or request.fhir_authorization is None:
            if not set(service.prefetch) - set(asked):
                raise CdsPreconditionError("There is no data to decide on.")
            return
        token = request.fhir_authorization.access_token
        for key, value in (await fetch(self._client_for, server, token, asked, until)).items():
            gathered.take(key, service.prefetch[key], value)

    async def _decide(
        self, service: Service[Any], call: Call[Any], until: float
    ) -> tuple[list[Decision], bool]:
        """What was decided in time, and whether that is all."""
        found: list[Decision] = []
        stop = threading.Event()

        def work() -> None:
            if stop.is_set():
                return
            for decision in service.decide(call):
                if stop.is_set():
                    return
                found.append(decision)

        try:
            await self._within(until, self._thinking, work)
        except CdsUnavailableError:
            stop.set()
            return list(found), False
        return list(found), True

    async def _within(
        self, until: float, pool: ThreadPoolExecutor, work: Callable[[], _Result]
    ) -> _Result:
        """Do something beside the loop.

        Raises:
            CdsUnavailableError: it did not end in time, or failed in a way that nobody expected.
        """
        loop = asyncio.get_running_loop()
        doing = loop.run_in_executor(pool, work)
        await asyncio.wait({doing}, timeout=max(0.0, until - loop.time()))
        if not doing.done():
            doing.add_done_callback(_swallow)
            raise CdsUnavailableError("It took too long.")
        try:
            return doing.result()
        except (CdsRequestError, CdsPreconditionError):
            raise
        except Exception as error:  # noqa: BLE001 - what went wrong must not take the answer away
            _LOG.error("cds: %s", type(error).__name__)
            raise CdsUnavailableError("It failed.") from None

    def close(self) -> None:
        """Stop the workers."""
        self._thinking.shutdown(wait=False, cancel_futures=True)
        self._writing.shutdown(wait=False, cancel_futures=True)


def read_call(
    service: Service[Any], ehr: TrustedEhr, arrived: Arrived, today: date
) -> tuple[CdsRequest, Call[Any]]:
    """Take a call apart: its request, and what it brought.

    Raises:
        CdsRequestError: it is no call of this service.
    """
    request = parsed(CdsRequest, json_of(arrived.body))
    if request.hook != service.hook:
        raise CdsRequestError(f"This service is called at the hook {service.hook}.")
    context = parsed(service.context, request.context)
    gathered = Gathered(context.patient_id, ehr.fhir_server)
    gathered.missing = set(service.prefetch)
    for key, value in (request.prefetch or {}).items():
        if key in service.prefetch:
            gathered.take(key, service.prefetch[key], value)
    return request, Call(ehr, context, gathered, arrived.base, today, arrived.client)


def _body(shown: list[Decision]) -> dict[str, Any]:
    return {"cards": [decision.card.to_json() for decision in shown]}


def _swallow(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()


def json_of(body: bytes) -> Any:
    """Parse a body.

    Raises:
        CdsRequestError: it is not JSON.
    """
    try:
        return loads(body)
    except (ValueError, RecursionError):
        raise CdsRequestError("The body is not JSON.") from None


def _server(request: CdsRequest, ehr: TrustedEhr) -> str | None:
    """The registered FHIR server, where the call is about that one."""
    named = (request.fhir_server or "").rstrip("/")
    known = (ehr.fhir_server or "").rstrip("/")
    return known if known and named == known else None
