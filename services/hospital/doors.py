"""Who may come in at the API's doors: apps with tokens, keys with scopes, people with a session.

A token or key may read and write over FHIR what its scopes and its patient allow. An app that acts
on behalf of a clinician reaches the charts that this clinician may open, at each call anew. A key
for studies has records de-identified and reads none in the clear: with both, it could tell whose
record a study's is. The portal's cookie may only read there, from the portal's own pages. Each
disclosure and each change is on the audit trail before it happens.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import Request

from compliance.access import Scopes
from compliance.audit import Agent
from services.exchange.errors import NotAuthenticatedError
from services.fhir.access import Access, Grant
from services.hospital.accounts import Accounts, SignedIn
from services.hospital.asking.routes import Asker
from services.hospital.audited import Auditor, Caller
from services.hospital.errors import NotAllowedError
from services.hospital.gateway.asker import CHAT, ENGINE, MODEL, ModelUser
from services.hospital.keys import STUDY, Credential
from services.hospital.portal.access import COOKIE, client_of, same_site
from services.hospital.relations import Relations
from services.hospital.smart.clients import ASK
from services.hospital.smart.identity import practitioner_of
from services.hospital.smart.site import Site
from services.hospital.smart.tokens import ACCESS, Bearer, Tokens

CHART_READERS = frozenset({"clinician"})
CHATTERS = frozenset({"clinician", "operator"})
OPERATOR = "operator"
"""Role of a person, and scope of a program, that runs the hospital."""
OPERATORS = frozenset({OPERATOR})
READING = frozenset({"GET", "HEAD"})
_HINT = "`caretier hospital key NAME SCOPES` makes a key."
_AGAIN = "Ask /oauth/token for a fresh one."


class Doors:
    """Lets callers in.

    Args:
        accounts: people, sessions and keys of the hospital.
        auditor: writes down what they are given.
        relations: which charts a clinician may open.
        tokens: of apps and programs.
    """

    def __init__(
        self, accounts: Accounts, auditor: Auditor, relations: Relations, tokens: Tokens
    ) -> None:
        self._accounts, self._auditor = accounts, auditor
        self._relations, self._tokens = relations, tokens

    def fhir(self, request: Request) -> Access:
        """What the caller may do over FHIR.

        Raises:
            NotAuthenticatedError, NotAllowedError, NoRelationError: nothing at all.
        """
        token = _token(request)
        if token is not None and token.startswith(ACCESS):
            return self._app(token, request)
        if token is not None:
            return self._program(self._known(token), request)
        who = self._person(request, CHART_READERS)
        same_site(request)
        if request.method not in READING:
            raise NotAllowedError("The portal's session may only read here.")
        caller = Caller.user(who.user.id, who.user.role, client_of(request))
        return Access(
            relation=partial(self._relations.require, who.user, client=client_of(request)),
            disclose=partial(self._auditor.fhir, caller),
        )

    def _program(self, key: Credential, request: Request) -> Access:
        if not key.scopes.reaches_fhir:
            raise NotAllowedError("This key does not allow this.")
        return self._access(
            key.scopes,
            _program(key, request),
            patient=key.scopes.patient,
            grant=Grant(f"key-{key.id}", key.scopes.text),
        )

    def _app(self, token: str, request: Request) -> Access:
        """What an app may do with a token; whether the person treats the patient is asked anew."""
        bearer = self._tokens.find(token)
        if bearer is None or not _fits(bearer, request):
            raise NotAuthenticatedError("The token is unknown, over, or revoked.", remedy=_AGAIN)
        person = bearer.user
        relation = None
        if person is not None:
            ask = partial(self._relations.require, person, client=client_of(request))
            if bearer.patient is None:
                relation = ask
            else:
                ask(bearer.patient)
        return self._access(
            bearer.scopes,
            _app(bearer, request),
            patient=bearer.patient,
            relation=relation,
            own=_own(bearer),
            grant=None if person else Grant(f"smart-{bearer.client}", bearer.scopes.text),
        )

    def _access(self, scopes: Scopes, caller: Caller, **reach: Any) -> Access:
        """What the scopes say, within this reach; the caller is written down."""
        return Access(
            allows=scopes.allows,
            queries=scopes.queries,
            whole=scopes.whole_record,
            disclose=partial(self._auditor.fhir, caller),
            change=partial(self._auditor.change, caller),
            refused=partial(self._auditor.refused, caller),
            **reach,
        )

    def study(self, request: Request) -> Access:
        """What the caller may have de-identified: a key for studies, which reads nothing else.

        Raises:
            NotAuthenticatedError, NotAllowedError: nothing at all.
        """
        key = self._key(request)
        if key is None:
            raise NotAuthenticatedError("Send a key.", remedy=_HINT)
        if not key.scopes.has(STUDY) or key.scopes.reads:
            raise NotAllowedError("This key does not allow this.")
        return Access(disclose=partial(self._auditor.fhir, _program(key, request)))

    def models(self, request: Request) -> ModelUser:
        """Who may ask models by the chat API, and which.

        Raises:
            NotAuthenticatedError, NotAllowedError: not this caller.
        """
        key = self._key(request)
        if key is None:
            return ModelUser(self._staff(request, CHATTERS), (CHAT,))
        words = key.scopes.words
        user = ModelUser(_program(key, request), words, key.requests, key.tokens)
        if not user.may_ask:
            raise NotAllowedError("This key does not allow this.")
        return user

    def operate(self, request: Request) -> Caller:
        """Who runs the hospital: an operator at the portal, or a key with the scope ``operator``.

        Raises:
            NotAuthenticatedError, NotAllowedError: not this caller.
        """
        key = self._key(request)
        if key is None:
            return self._staff(request, OPERATORS)
        if not key.scopes.has(OPERATOR):
            raise NotAllowedError("This key does not allow this.")
        return _program(key, request)

    def explain(self, request: Request) -> Caller:
        """Who may ask why the gate chooses: operators, and keys that reach every expert.

        Raises:
            NotAuthenticatedError, NotAllowedError: not this caller.
        """
        key = self._key(request)
        if key is not None and key.scopes.has(ENGINE):
            return _program(key, request)
        return self.operate(request)

    def _staff(self, request: Request, roles: frozenset[str]) -> Caller:
        """A person of the portal; what changes something must come from its own pages."""
        if request.method not in READING:
            same_site(request)
        who = self._person(request, roles)
        return Caller.user(who.user.id, who.user.role, client_of(request))

    def ask(self, request: Request) -> Asker:
        """Who may have the assistant read a record (``$ask``), and what of it is theirs to see.

        Raises:
            NotAuthenticatedError, NotAllowedError: not this caller.
        """
        token = _token(request)
        if token is None:
            same_site(request)
            who = self._person(request, CHART_READERS)
            client = client_of(request)
            relation = partial(self._relations.require, who.user, client=client)
            caller = Caller.user(who.user.id, who.user.role, client)
            return self._asker(Access(relation=relation), caller)
        access = self.fhir(request)
        bearer = self._tokens.find(token) if token.startswith(ACCESS) else None
        known = bearer or self._known(token)
        if not known.scopes.has(ASK):
            raise NotAllowedError("The scopes do not allow this.")
        caller = _app(bearer, request) if bearer else _program(self._known(token), request)
        return self._asker(access, caller)

    def _asker(self, access: Access, caller: Caller) -> Asker:
        def put(consult: str, patient: str) -> None:
            self._auditor.chat(caller, consult, MODEL, patient=f"Patient/{patient}")

        return Asker(access, put)

    def _key(self, request: Request) -> Credential | None:
        """The key that the request carries; None when it carries none."""
        token = _token(request)
        return None if token is None else self._known(token)

    def _known(self, token: str) -> Credential:
        found = self._accounts.keys.find(token)
        if found is None:
            raise NotAuthenticatedError("The key is unknown or revoked.", remedy=_HINT)
        return found

    def _person(self, request: Request, roles: frozenset[str]) -> SignedIn:
        who = self._accounts.signed_in(request.cookies.get(COOKIE))
        if who is None:
            raise NotAuthenticatedError("Sign in, or send a key.", remedy=_HINT)
        if who.user.role not in roles:
            raise NotAllowedError("Your role does not allow this.")
        return who


def _token(request: Request) -> str | None:
    """What stands in the Authorization header; None where nothing of this kind does."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


def _fits(bearer: Bearer, request: Request) -> bool:
    """Whether a token is for reading and writing, and was made for this server."""
    return bearer.kind == "access" and bearer.audience == Site.of(request).fhir


def _own(bearer: Bearer) -> tuple[str, str] | None:
    """Who the person is in the record, where the app may know."""
    if bearer.user is None or not bearer.scopes.has("fhirUser"):
        return None
    kind, _, id_ = (practitioner_of(bearer.user) or "").partition("/")
    return (kind, id_) if id_ else None


def _program(key: Credential, request: Request) -> Caller:
    return Caller(Agent("application", f"key-{key.id}", name=key.name), client=client_of(request))


def _app(bearer: Bearer, request: Request) -> Caller:
    person = bearer.user
    return Caller(
        Agent("application", f"smart-{bearer.client}", name=bearer.client_name),
        Agent("person", person.id, role=person.role) if person else None,
        client_of(request),
    )
