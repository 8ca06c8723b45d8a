"""The token endpoint: a proof in, tokens out (RFC 6749, SMART App Launch 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool

from services.hospital.models import SmartGrant
from services.hospital.smart.clients import ASK, Client
from services.hospital.smart.errors import OAuthError
from services.hospital.smart.grants import Grants
from services.hospital.smart.granular import read_scopes, usable
from services.hospital.smart.identity import Identities
from services.hospital.smart.site import Site
from services.hospital.smart.tokens import Issued, Tokens, narrowed, scopes_of
from services.store.database import Database

Form = Mapping[str, str]
Body = dict[str, Any]


class TokenEndpoint:
    """Gives tokens to a client that has been authenticated.

    Args:
        database: where grants and tokens are.
        grants: by people.
        tokens: that were made of them.
        identities: says who a person is, in an ID token.
        online: whether a portal session, by its digest, is still open.
    """

    def __init__(
        self,
        database: Database,
        grants: Grants,
        tokens: Tokens,
        identities: Identities,
        online: Callable[[str], bool],
    ) -> None:
        self._database, self._grants, self._tokens = database, grants, tokens
        self._identities, self._online = identities, online

    async def answer(self, client: Client, form: Form, site: Site) -> Body:
        """What a client gets for a form.

        Raises:
            OAuthError: nothing.
        """
        kinds = {
            "authorization_code": self._code,
            "refresh_token": self._refresh,
            "client_credentials": self._program,
        }
        give = kinds.get(form.get("grant_type", ""))
        if give is None:
            raise OAuthError("unsupported_grant_type", "This grant_type is not served.")
        return await run_in_threadpool(give, client, form, site)

    def _program(self, client: Client, form: Form, site: Site) -> Body:
        """SMART Backend Services: a program acts by itself."""
        if client.kind != "asymmetric":
            raise OAuthError("unauthorized_client", "Only a client with a key may ask for this.")
        asked, unknown = read_scopes(form.get("scope", ""))
        others = {*asked.words} - {ASK}
        if unknown or others or asked.has_context("user") or asked.has_context("patient"):
            raise OAuthError("invalid_scope", "Ask for system/ scopes, and for nothing else.")
        if not asked.grants or not all(usable(grant) for grant in asked.grants):
            raise OAuthError("invalid_scope", "A scope names a type or a search that is not here.")
        granted = asked.common(client.scopes)
        if not granted.grants:
            raise OAuthError("invalid_scope", "The client is registered for none of these scopes.")
        return _body(self._tokens.for_program(client.id, granted, site.fhir))

    def _code(self, client: Client, form: Form, site: Site) -> Body:
        """The last step of a launch."""
        code = _needed(form, "code")
        found = self._grants.check(
            client.id, code, _needed(form, "redirect_uri"), _needed(form, "code_verifier")
        )
        grant = found.grant
        with self._database.transaction() as session:
            issued = None
            if self._grants.spend(session, code):
                issued = self._tokens.for_grant(session, grant, scopes_of(grant), site.fhir)
        if issued is None:
            self._grants.end(grant.id)
            raise OAuthError("invalid_grant", "The code was exchanged before.")
        return self._launched(grant, issued, site, found.nonce)

    def _refresh(self, client: Client, form: Form, site: Site) -> Body:
        """A fresh access token, and a fresh refresh token in place of the old one."""
        token = _needed(form, "refresh_token")
        refusal = OAuthError("invalid_grant", "The refresh token is not good.")
        family = self._tokens.family(token)
        if family is None or family[0] != client.id:
            raise refusal
        bearer = self._tokens.find(token)
        if bearer is None or bearer.grant is None or bearer.audience != site.fhir:
            self._punish(token, family[1])
            raise refusal
        grant = bearer.grant
        if grant.session is not None and not self._online(grant.session):
            raise OAuthError("invalid_grant", "The person is not signed in any more.")
        scopes = narrowed(bearer.scopes, form.get("scope"))
        with self._database.transaction() as session:
            issued = None
            if self._tokens.spend(session, token):
                issued = self._tokens.for_grant(session, grant, scopes, site.fhir)
        if issued is None:
            self._punish(token, grant.id)
            raise refusal
        return self._launched(grant, issued, site, None)

    def _punish(self, token: str, grant: str) -> None:
        """A refresh token that comes a second time was stolen from somebody: end the family."""
        if self._tokens.was_spent(token):
            self._grants.end(grant)

    def _launched(self, grant: SmartGrant, issued: Issued, site: Site, nonce: str | None) -> Body:
        """The tokens with the context of the launch."""
        context: Body = {}
        scopes = issued.scopes
        if grant.patient is not None:
            context["patient"] = grant.patient
            context["need_patient_banner"] = True
        if grant.encounter is not None:
            context["encounter"] = grant.encounter
        if scopes.has("fhirUser"):
            context |= self._identities.fhir_user(grant.user_id, site)
        if scopes.has("openid"):
            context["id_token"] = self._identities.id_token(grant, scopes, site, nonce)
        return _body(issued) | context | {"smart_style_url": site.oauth("style.json")}


def _body(issued: Issued) -> Body:
    body: Body = {
        "access_token": issued.access,
        "token_type": "Bearer",
        "expires_in": int(issued.life.total_seconds()),
        "scope": issued.scopes.text,
    }
    return body | ({"refresh_token": issued.refresh} if issued.refresh else {})


def _needed(form: Form, name: str) -> str:
    if not form.get(name):
        raise OAuthError("invalid_request", f"{name} is missing.")
    return form[name]
