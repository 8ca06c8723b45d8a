"""Decision support of the hospital: its services, who may call them, and what is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import httpx
from fastapi import Request

from compliance.audit import Agent
from services.consult.record.tables import rules
from services.fhir.cds import Call, CdsHooks, Decision, Service, TokenVerifier, TrustedEhr
from services.fhir.cds.errors import CdsUnavailableError, CdsUntrustedError
from services.fhir.cds.keysets import KeySets
from services.hospital.audited import Auditor, Caller
from services.hospital.cds.discharge import KnowledgeOf
from services.hospital.cds.ehrs import Ehrs
from services.hospital.cds.ledger import CardLedger, Signal
from services.hospital.cds.rehearsal import rehearse
from services.hospital.cds.services import all_services
from services.hospital.cds.tables import hazard, override_reasons
from services.store.database import Database
from services.web.app import LOOPBACK_HOSTS
from services.web.outbound import Outbound

REFRESH_SECONDS = 0.05
"""How long a call waits for the list of EHRs to be read again."""
ONCE_SECONDS = 0.25
"""How long remembering a token may take."""
CALL_SECONDS = 0.5
"""Longest exchange with an EHR's FHIR server, in seconds."""
_LOG = logging.getLogger("caretier.cds")
SANDBOX = TrustedEhr("sandbox", "urn:caretier:sandbox", "")
"""Who calls where anybody on this machine may."""


class Cds:
    """Everything that ``/cds-services`` needs.

    Args:
        database: of the hospital.
        key: of the digests by which a warning is known again.
        auditor: writes down what is given out before it is.
        outbound: the addresses that may be called.
        knowledge: what may be quoted to patients; asked for when it is needed first.
        everyone: take calls without a token, from this machine only.
    """

    def __init__(
        self,
        database: Database,
        key: bytes,
        auditor: Auditor,
        outbound: Outbound,
        knowledge: KnowledgeOf,
        *,
        everyone: bool = False,
    ) -> None:
        self.ehrs = Ehrs(database)
        self.ledger = CardLedger(database, key, self._disclose)
        self._auditor, self._outbound, self._everyone = auditor, outbound, everyone
        self._keys = KeySets(outbound.get_json)
        self._verifier = TokenVerifier(self.ehrs.of, self._keys, self._first_use)
        self.hooks = CdsHooks(all_services(knowledge), self._client, self.ledger)

    async def refresh(self) -> None:
        """See whether the list of EHRs has changed; an older one serves where that takes long."""
        if self.ehrs.stale:
            doing = asyncio.get_running_loop().run_in_executor(None, self.ehrs.refresh)
            doing.add_done_callback(_seen)
            await asyncio.wait({doing}, timeout=REFRESH_SECONDS)

    async def admit(self, request: Request, audiences: Sequence[str]) -> TrustedEhr:
        """The EHR that calls.

        Raises:
            CdsUntrustedError: none that is trusted.
        """
        given = request.headers.get("authorization", "")
        if given:
            return await self._verifier.verify(given, audiences)
        here = request.client is not None and request.client.host in LOOPBACK_HOSTS
        if self._everyone and here:
            return SANDBOX
        raise CdsUntrustedError("Send the JWT of a registered EHR.")

    async def _first_use(self, token: str, expires: datetime) -> bool:
        doing = asyncio.get_running_loop().run_in_executor(
            None, self.ehrs.first_use, token, expires
        )
        await asyncio.wait({doing}, timeout=ONCE_SECONDS)
        if not doing.done():
            raise CdsUnavailableError("The call could not be checked in time.")
        return doing.result()

    def _client(self, _server: str) -> httpx.AsyncClient:
        return self._outbound.client(timeout=CALL_SECONDS)

    def _disclose(self, service: Service[Any], call: Call[Any], _shown: Sequence[Decision]) -> None:
        by = Caller(
            Agent("application", f"ehr-{call.ehr.id}", name=call.ehr.issuer),
            Agent("person", call.context.user_id),
            call.client,
        )
        self._auditor.decision_support(by, service.id, call.context.patient_id)

    def signals(self, since: datetime | None = None) -> Iterator[Signal]:
        """What came of the cards that were given; see `CardLedger.signals`."""
        return self.ledger.signals(since)

    def warm(self) -> None:
        """Read every table once, so that the first call is as quick as the others."""
        self.ehrs.refresh()
        rules()
        hazard("same-medicine")
        override_reasons()
        for service in self.hooks.services.values():
            rehearse(service)

    async def load_keys(self) -> None:
        """Fetch the keys of the registered EHRs, and read the certificates that are trusted."""
        await asyncio.to_thread(self._outbound.client)
        await asyncio.gather(*(self._keys.load(ehr.jwks_url) for ehr in self.ehrs.all()))

    async def close(self) -> None:
        """Stop the workers."""
        await self._keys.close()
        self.hooks.close()


def _seen(done: asyncio.Future[None]) -> None:
    """Let a failure be for the next time to notice."""
    if not done.cancelled() and done.exception() is not None:
        _LOG.warning("EHRs not read: %s", type(done.exception()).__name__)
