"""Who may come in at the API's doors: keys with scopes, and people with a session.

A key may read over FHIR what its scopes and its patient allow. A key for studies has records
de-identified and reads none in the clear: with both, it could tell whose record a study's is. The
portal's cookie may only read there, and only in the charts that its clinician may open. Each
disclosure is on the audit trail before its body is built.
"""

from __future__ import annotations

from functools import partial

from fastapi import Request

from compliance.audit import Agent
from services.exchange.errors import NotAuthenticatedError
from services.fhir.access import Access, Grant
from services.hospital.accounts import Accounts, SignedIn
from services.hospital.audited import Auditor, Caller
from services.hospital.errors import NotAllowedError
from services.hospital.keys import STUDY, Credential
from services.hospital.portal.access import COOKIE, client_of, same_site
from services.hospital.relations import Relations

CHART_READERS = frozenset({"clinician"})
CHATTERS = frozenset({"clinician", "operator"})
READING = frozenset({"GET", "HEAD"})
_HINT = "`caretier hospital key NAME SCOPES` makes a key."


class Doors:
    """Lets callers in.

    Args:
        accounts: people, sessions and keys of the hospital.
        auditor: writes down what they are given.
        relations: which charts a clinician may open.
    """

    def __init__(self, accounts: Accounts, auditor: Auditor, relations: Relations) -> None:
        self._accounts, self._auditor, self._relations = accounts, auditor, relations

    def fhir(self, request: Request) -> Access:
        """What the caller may read over FHIR.

        Raises:
            NotAuthenticatedError, NotAllowedError: nothing at all.
        """
        key = self._key(request)
        if key is not None:
            if not key.scopes.reads:
                raise NotAllowedError("This key does not allow this.")
            return Access(
                patient=key.scopes.patient,
                allows=key.scopes.allows,
                whole=key.scopes.whole_record,
                disclose=partial(self._auditor.fhir, _program(key, request)),
                grant=Grant(f"key-{key.id}", key.scopes.text),
            )
        who = self._person(request, CHART_READERS)
        if request.method not in READING:
            raise NotAllowedError("The portal's session may only read here.")
        caller = Caller.user(who.user.id, who.user.role, client_of(request))
        return Access(
            relation=partial(self._relations.require, who.user, client=client_of(request)),
            disclose=partial(self._auditor.fhir, caller),
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

    def chat(self, request: Request) -> Caller:
        """Who may ask by the chat API.

        Raises:
            NotAuthenticatedError, NotAllowedError: not this caller.
        """
        key = self._key(request)
        if key is not None:
            if not key.scopes.has("chat"):
                raise NotAllowedError("This key does not allow this.")
            return _program(key, request)
        if request.method not in READING:
            same_site(request)
        who = self._person(request, CHATTERS)
        return Caller.user(who.user.id, who.user.role, client_of(request))

    def _key(self, request: Request) -> Credential | None:
        """The key that the request carries; None when it carries none."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return None
        found = self._accounts.keys.find(token)
        if found is None:
            raise NotAllowedError("This key does not allow this.")
        return found

    def _person(self, request: Request, roles: frozenset[str]) -> SignedIn:
        who = self._accounts.signed_in(request.cookies.get(COOKIE))
        if who is None:
            raise NotAuthenticatedError("Sign in, or send a key.", remedy=_HINT)
        if who.user.role not in roles:
            raise NotAllowedError("Your role does not allow this.")
        return who


def _program(key: Credential, request: Request) -> Caller:
    return Caller(Agent("application", f"key-{key.id}", name=key.name), client=client_of(request))
