"""The standalone launch of SMART: a person allows this program to read their record elsewhere.

    smart = await smart_configuration(outbound, base)
    begun = begin(smart, base, client_id="caretier-device", redirect=redirect)
    # the person's browser is sent to begun.url, and comes back to `redirect` with a query
    grant = await finish(outbound, smart, begun, query)
    tokens = GrantTokens(outbound, grant, client_id="caretier-device", token_url=smart.token)
    async with FhirClient(base, outbound, tokens) as record:
        patient = await record.read("Patient", grant.patient)

The code is bound to this program by PKCE (S256 only), and to this launch by ``state``. `Begun` is
kept until the browser is back, on this side only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from services.fhir.client.discovery import SmartConfiguration
from services.fhir.client.errors import FhirSignInError
from services.fhir.client.grants import OAUTH_ERRORS, Grant, ask_token
from services.fhir.client.settings import Connects

SCOPE = "launch/patient openid fhirUser offline_access patient/*.rs"
"""What a person's own program asks for: to read, and to go on doing so."""


@dataclass(frozen=True)
class Begun:
    """A launch that waits for the browser.

    Attributes:
        url: where the browser is sent.
        state: that must come back.
        verifier: of PKCE; redirect: address to come back to; client_id: as registered.
    """

    url: str
    state: str
    verifier: str = field(repr=False)
    redirect: str
    client_id: str


def begin(
    smart: SmartConfiguration, base: str, *, client_id: str, redirect: str, scope: str = SCOPE
) -> Begun:
    """Begin a launch.

    Args:
        smart: of the server.
        base: address of the FHIR server, the audience of the token.
        client_id: as registered there.
        redirect: address of ours, registered there too.
        scope: what is asked for.

    Raises:
        FhirSignInError: the server offers no such launch, or not by PKCE and TLS.
    """
    if smart.authorize is None or (smart.methods and "S256" not in smart.methods):
        raise FhirSignInError("That record cannot be connected to by a person.")
    parts = urlsplit(smart.authorize)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise FhirSignInError("That record cannot be connected to safely.")
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "scope": scope,
        "state": state,
        "aud": base,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    joint = "&" if parts.query else "?"
    url = f"{smart.authorize}{joint}{urlencode(query)}"
    return Begun(url, state, verifier, redirect, client_id)


async def finish(
    connects: Connects,
    smart: SmartConfiguration,
    begun: Begun,
    answer: Mapping[str, str],
    *,
    secret: str | None = None,
) -> Grant:
    """Turn what the browser brought back into a grant.

    Args:
        connects: makes HTTP clients.
        smart: of the server, as at the beginning.
        begun: as it was kept.
        answer: query of the address that the browser came back to.
        secret: of a confidential client; None for a public one.

    Raises:
        FhirSignInError: it was refused, or belongs to another launch.
        FhirAwayError: the authorization server does not answer.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
        raise FhirSignInError("That answer belongs to no connection that was begun here.")
    if smart.issuer and answer.get("iss", smart.issuer) != smart.issuer:
        raise FhirSignInError("That answer comes from another server.")
    code = answer.get("code")
    if not code:
        said = answer.get("error", "")
        told = said if said in OAUTH_ERRORS else "no reason"
        raise FhirSignInError(f"The connection was not allowed ({told}).")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": begun.redirect,
        "code_verifier": begun.verifier,
    }
    form |= {} if secret else {"client_id": begun.client_id}
    auth = (begun.client_id, secret) if secret else None
    return await ask_token(connects, smart.token, form, auth=auth)
