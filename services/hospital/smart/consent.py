"""What a person decides about an app: whose record, what of it, yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from compliance.audit import Agent
from services.fhir.access import Disclosure
from services.hospital.accounts import SignedIn
from services.hospital.audited import Caller
from services.hospital.caseload import Caseload, Person, Visit
from services.hospital.errors import NotAllowedError
from services.hospital.models import SmartClient, SmartGrant
from services.hospital.relations import Relations
from services.hospital.smart.authorize import Asked, answer_address, read_request
from services.hospital.smart.clients import Client
from services.hospital.smart.errors import OAuthError, UnknownClientError
from services.hospital.smart.grants import Allowed
from services.hospital.smart.identity import practitioner_of
from services.hospital.smart.launches import Launch
from services.hospital.smart.service import Smart
from services.hospital.smart.site import Site


@dataclass(frozen=True)
class Decision:
    """The answer on the consent page: scopes left in, the visit if one was chosen."""

    scopes: list[str]
    visit: str = ""


class Consent:
    """Asks a person, and keeps what they say.

    Args:
        smart: the authorization server.
        caseload: whom a clinician treats.
        relations: asked again before anything is granted.
    """

    def __init__(self, smart: Smart, caseload: Caseload, relations: Relations) -> None:
        self.smart, self._caseload, self._relations = smart, caseload, relations

    def begin(self, fields: dict[str, str], site: Site) -> str:
        """Judge a request; returns what stands for it until it is answered.

        Raises:
            UnknownClientError: nobody may be told: the app or its address is not registered.
            OAuthError: the app is to be told, at its address.
        """
        client = self.client(fields.get("client_id", ""))
        if fields.get("redirect_uri") not in client.redirects:
            raise UnknownClientError("The app is not registered at this address.")
        asked = read_request(fields, client, site, self.smart.launches)
        return self.smart.waiting.begin(asked)

    def client(self, id_: str) -> Client:
        """A registered app.

        Raises:
            UnknownClientError: it is none, or was revoked.
        """
        found = self.smart.clients.find(id_)
        if found is None:
            raise UnknownClientError("There is no such app.")
        return found

    def asked(self, token: str, who: SignedIn) -> Asked:
        """The request that waits for this person.

        Raises:
            UnknownClientError: it was answered, took too long, or its app was revoked meanwhile.
            NotAllowedError: somebody else launched the app.
        """
        found = self.smart.waiting.find(token)
        if found is None:
            raise UnknownClientError("This request was answered already, or took too long.")
        self.client(found.client)
        if found.user not in {None, who.user.id}:
            raise NotAllowedError("Somebody else launched this app.")
        return found

    def people(self, who: SignedIn) -> list[Person]:
        """Whom this person treats, written down before they are shown."""
        found = self._caseload.people(who.user)
        self._told(who, Disclosure("search", "Patient", tuple(sorted(p.id for p in found))))
        return found

    def choose(self, token: str, asked: Asked, who: SignedIn, patient: str) -> None:
        """Keep whose record is meant.

        Raises:
            NoRelationError: this person does not treat them.
            NotAllowedError: the app was launched from another chart.
        """
        if asked.user is not None:
            raise NotAllowedError("The chart was chosen when the app was launched.")
        self._relations.require(who.user, patient, who.client)
        self.smart.waiting.choose(token, asked.of_patient(patient))

    def person(self, asked: Asked, who: SignedIn) -> Person | None:
        """Whose record it is about, written down before it is shown; None where it is nobody's."""
        if asked.patient is None:
            return None
        self._relations.require(who.user, asked.patient, who.client)
        what = Disclosure("read", f"Patient/{asked.patient}", (asked.patient,))
        self._told(who, what)
        return self._caseload.person(asked.patient)

    def visits(self, asked: Asked) -> list[Visit]:
        """The visits among which one may be chosen."""
        wanted = asked.user is None and asked.scope.has("launch/encounter")
        return self._caseload.visits(asked.patient) if wanted and asked.patient else []

    def refuse(self, token: str, asked: Asked, who: SignedIn) -> str:
        """Say no; returns where the browser goes."""
        self.smart.waiting.end(token)
        self.smart.auditor.sign_in(_by(asked, who), "app:access_denied", "4")
        return answer_address(asked.redirect, error="access_denied", state=asked.state)

    def allow(
        self, token: str, asked: Asked, who: SignedIn, decision: Decision, session: str
    ) -> str:
        """Grant what was left in; returns where the browser goes.

        Args:
            token: of the request.
            asked: by the app.
            who: grants it.
            decision: as it stands in the form.
            session: digest of the portal session, with which an online grant ends.

        Raises:
            NoRelationError: this person does not treat the patient.
            UnknownClientError: it was answered at the same time.
            AuditError: it could not be written down; nothing is granted.
        """
        if asked.patient is not None:
            self._relations.require(who.user, asked.patient, who.client)
        known = {visit.id for visit in self.visits(asked)}
        encounter = decision.visit if decision.visit in known else asked.encounter
        named = practitioner_of(who.user) is not None
        scopes = asked.granted(decision.scopes, encounter, fhir_user=named)
        if not scopes.grants and not scopes.has("openid"):
            return self.refuse(token, asked, who)
        if not self.smart.waiting.end(token):
            raise UnknownClientError("This request was answered already.")
        id_ = str(uuid4())
        self.smart.auditor.key(_by(asked, who), id_, "made")
        allowed = Allowed(
            client=asked.client,
            user=who.user.id,
            scopes=scopes,
            redirect=asked.redirect,
            challenge=asked.challenge,
            encounter=encounter,
            session=None if scopes.has("offline_access") else session,
            nonce=asked.nonce,
        )
        code = self.smart.grants.allow(allowed, id_)
        return answer_address(asked.redirect, code=code, state=asked.state)

    def launch(self, client: Client, who: SignedIn, patient: str, site: Site) -> str:
        """Launch an app from a chart; returns where the browser goes.

        Raises:
            NoRelationError: this person does not treat the patient.
            UnknownClientError: the app cannot be launched.
        """
        if client.launch_url is None:
            raise UnknownClientError("The app cannot be launched from a chart.")
        self._relations.require(who.user, patient, who.client)
        running = [visit.id for visit in self._caseload.visits(patient) if visit.running]
        encounter = running[0] if len(running) == 1 else None
        launch = self.smart.launches.begin(Launch(client.id, who.user.id, patient, encounter))
        return answer_address(client.launch_url, iss=site.fhir, launch=launch)

    def given(self, who: SignedIn) -> list[tuple[SmartGrant, SmartClient]]:
        """What this person granted to apps and did not end."""
        return self.smart.grants.of(who.user.id)

    def end(self, id_: str, who: SignedIn) -> None:
        """End what this person granted, and every token of it.

        Raises:
            NotFoundError: they granted no such thing.
            AuditError: it could not be written down; it stands.
        """
        grant = self.smart.grants.owned(id_, who.user.id)
        self.smart.auditor.key(Caller.user(who.user.id, who.user.role, who.client), id_, "revoked")
        self.smart.grants.end(grant.id)

    def _told(self, who: SignedIn, what: Disclosure) -> None:
        self.smart.auditor.fhir(Caller.user(who.user.id, who.user.role, who.client), what)


def refused_at(redirect: str, error: OAuthError, state: str | None) -> str:
    """Where the browser tells an app that its request cannot be granted."""
    told = {"error": error.code, "error_description": error.message}
    return answer_address(redirect, **told, **({"state": state} if state else {}))


def _by(asked: Asked, who: SignedIn) -> Caller:
    return Caller(
        Agent("application", f"smart-{asked.client}", name=asked.name),
        Agent("person", who.user.id, role=who.user.role),
        who.client,
    )
