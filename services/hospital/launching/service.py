"""A launch from an EHR, from the chart there to who it is and whose chart it was."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool

from services.fhir.client import FhirServerError, FhirSignInError, Grant, SmartConfiguration
from services.fhir.client.launch import Begun, begin, finish
from services.fhir.store import FhirStore
from services.hospital.audited import Auditor, Caller
from services.hospital.errors import SignInError
from services.hospital.id_token import Expected, is_strong, read_id_token, subject_of
from services.hospital.launching.ehrs import (
    LaunchingEhr,
    LaunchingEhrs,
    configuration_of,
    issuer_of,
)
from services.hospital.launching.errors import EhrTroubleError, LaunchRefusedError, NotLinkedError
from services.hospital.launching.links import Links
from services.hospital.launching.patients import LaunchedPatients
from services.hospital.models import User
from services.hospital.pending import Pending, PendingSignIns
from services.store.database import Database
from services.web.outbound import Outbound, OutboundFailedError, OutboundRefusedError

SCOPE = "launch openid fhirUser patient/Patient.read"
ALGORITHMS = ("RS256", "RS384", "ES256", "ES384")
METHOD = "ehr-launch"
"""How a session was opened, in the audit trail."""
ROLE = "clinician"
"""The one role that a launch can sign in: the others have no chart to come to."""
LONGEST_LAUNCH = 2000
_TROUBLE = (FhirServerError, OutboundRefusedError, OutboundFailedError)
_LOG = logging.getLogger("caretier.hospital.launching")


@dataclass(frozen=True)
class Sent:
    """A launch whose browser goes to the EHR: where to, and the cookie that it keeps."""

    url: str
    cookie: str


@dataclass(frozen=True)
class Arrived:
    """Who came back.

    Attributes:
        user: their account here.
        strong: whether they proved more than a password at the EHR.
        in_context: whether the EHR named a patient; patient: their id here, None where unknown.
    """

    user: User
    strong: bool
    in_context: bool
    patient: str | None


class Launching:
    """The launches of one hospital.

    Args:
        listed: EHRs, see `LaunchingEhrs`.
        outbound: the only way to them.
        database: of the hospital; records: its record.
        pending: launches that have begun.
        auditor: writes down what was refused.
    """

    def __init__(  # noqa: PLR0917 - what a launch touches
        self,
        listed: str,
        outbound: Outbound,
        database: Database,
        records: FhirStore,
        pending: PendingSignIns,
        auditor: Auditor,
    ) -> None:
        self._ehrs, self._outbound = LaunchingEhrs(listed), outbound
        self._pending, self._auditor = pending, auditor
        self._patients = LaunchedPatients(database, records, outbound)
        self.links = Links(database, auditor)

    async def begin(self, iss: str, launch: str, redirect: str) -> Sent:
        """Begin a launch.

        Args:
            iss: address of the EHR's FHIR server, as it says.
            launch: what stands for the context there.
            redirect: address of ours that the browser comes back to.

        Raises:
            UnknownEhrError: no launch is agreed with it; nothing was called.
            LaunchRefusedError: it is no launch from a chart.
            EhrTroubleError: the EHR does not answer as it should.
        """
        ehr = self._ehrs.get(iss)
        if not 0 < len(launch) <= LONGEST_LAUNCH:
            raise LaunchRefusedError("The portal was not opened from a chart.")
        try:
            smart = await configuration_of(self._outbound, ehr)
            begun = begin(smart, iss, client_id=ehr.client_id, redirect=redirect, scope=SCOPE)
        except _TROUBLE as error:
            _in_trouble(ehr, error)
        nonce = secrets.token_urlsafe(24)
        kept = {"iss": iss, "state": begun.state, "verifier": begun.verifier, "nonce": nonce}
        cookie = await run_in_threadpool(self._pending.begin, "launch", None, **kept)
        return Sent(f"{begun.url}&{urlencode({'launch': launch, 'nonce': nonce})}", cookie)

    async def finish(
        self, cookie: str | None, answer: Mapping[str, str], redirect: str, client: str | None
    ) -> Arrived:
        """Turn what the browser brought back into who it is, and whose chart it was.

        Args:
            cookie: of the browser.
            answer: query of the address that it came back to.
            redirect: as at the beginning.
            client: network address of the browser, for the audit trail.

        Raises:
            LaunchRefusedError: nothing was begun in this browser, it took too long, it was used
                before, or what the EHR says does not hold.
            NotLinkedError: nobody's account here stands for this person.
            EhrTroubleError: the EHR does not answer as it should.
            AuditError: the refusal could not be written down.
        """
        found = await run_in_threadpool(self._take, cookie)
        ehr = self._ehrs.get(found.data["iss"])
        try:
            smart = await configuration_of(self._outbound, ehr)
            begun = _begun(found.data, redirect, ehr)
            grant = await finish(self._outbound, smart, begun, answer)
            issuer, claims = await self._claims(ehr, smart, grant, found.data["nonce"])
            subject = subject_of(issuer, claims["sub"])
        except (FhirSignInError, SignInError):
            await run_in_threadpool(self._write_refusal, client)
            raise LaunchRefusedError("What came back from the EHR does not hold.") from None
        except _TROUBLE as error:
            _in_trouble(ehr, error)
        user = await run_in_threadpool(self.links.user_of, subject)
        if user is None or user.disabled or user.role != ROLE:
            await run_in_threadpool(self._write_refusal, client, user)
            if user is None:
                raise NotLinkedError(issuer, claims["sub"])
            raise LaunchRefusedError("The account cannot be opened from an EHR.")
        named = grant.patient is not None
        patient = await self._patients.here(ehr.base, grant) if named else None
        return Arrived(user, is_strong(claims), named, patient)

    async def _claims(
        self, ehr: LaunchingEhr, smart: SmartConfiguration, grant: Grant, nonce: str
    ) -> tuple[str, dict[str, Any]]:
        """Who the EHR says it is: the issuer's name, and the checked claims of the ID token."""
        issuer = await issuer_of(self._outbound, ehr, smart)
        expected = Expected(issuer.name, ehr.client_id, nonce)
        token = str(grant.extra.get("id_token", ""))
        return issuer.name, read_id_token(token, issuer.keys, expected, ALGORITHMS)

    def _take(self, cookie: str | None) -> Pending:
        """Use up what was begun in a browser."""
        found = self._pending.find(cookie, "launch")
        if found is None or not self._pending.end(found):
            raise LaunchRefusedError("Nothing was begun in this browser, or it took too long.")
        return found

    def _write_refusal(self, client: str | None, user: User | None = None) -> None:
        id_, role = (user.id, user.role) if user else ("unknown", "unknown")
        self._auditor.sign_in(Caller.user(id_, role, client), METHOD, "4")


def _begun(data: Mapping[str, str], redirect: str, ehr: LaunchingEhr) -> Begun:
    return Begun("", data["state"], data["verifier"], redirect, ehr.client_id)


def _in_trouble(ehr: LaunchingEhr, error: Exception) -> NoReturn:
    _LOG.warning("launch from %s: %s: %s", ehr.base, type(error).__name__, error)
    raise EhrTroubleError("The EHR does not answer as a launch needs it.") from None
