"""What an authorization server gives for a code, a refresh token or an assertion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.fhir.client.errors import FhirAwayError, FhirSignInError
from services.fhir.client.pace import PASSING, retry_after
from services.fhir.client.settings import Connects

UNSAID_SECONDS = 300
"""Lifetime of a token whose server does not say."""
EARLY_SECONDS = 60.0
"""A token is renewed so long before it ends, or when a tenth of a short life is left."""
TOKEN_CAP = 1 << 20
TOKEN_SECONDS = 20.0
OAUTH_ERRORS = frozenset(
    """invalid_request invalid_client invalid_grant unauthorized_client unsupported_grant_type
    invalid_scope access_denied server_error temporarily_unavailable""".split()
)


@dataclass(frozen=True)
class Grant:
    """What an authorization server gave.

    Attributes:
        access: token; refresh: token for another one, where one was given.
        ends: moment after which it is not used, in seconds since 1970.
        scope: what it covers, as granted.
        patient: id of the Patient in context, where there is one.
        extra: the rest of the answer (``encounter``, ``id_token``, ``fhirUser``, …).
    """

    access: str = field(repr=False)
    ends: float
    scope: str = ""
    refresh: str | None = field(default=None, repr=False)
    patient: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def good(self) -> bool:
        """Whether it can be used now."""
        return time.time() < self.ends


async def ask_token(
    connects: Connects,
    url: str,
    form: Mapping[str, str],
    *,
    auth: tuple[str, str] | None = None,
) -> Grant:
    """Ask a token endpoint.

    Args:
        connects: makes the HTTP client.
        url: token endpoint.
        form: parameters of the grant.
        auth: id and secret of a confidential client.

    Raises:
        FhirSignInError: it refuses, or its answer is no token.
        FhirAwayError: it does not answer.
        OutboundRefusedError: its origin is not listed.
    """
    basic = httpx.BasicAuth(*auth) if auth else httpx.USE_CLIENT_DEFAULT
    async with connects.client(timeout=TOKEN_SECONDS, cap=TOKEN_CAP) as http:
        try:
            answer = await http.post(
                url, data=dict(form), headers={"accept": "application/json"}, auth=basic
            )
        except httpx.HTTPError:
            raise FhirAwayError("The authorization server does not answer.") from None
    if answer.status_code in PASSING:
        raise FhirAwayError("The authorization server is busy.", retry_after(answer.headers))
    return _granted(answer)


def _granted(answer: httpx.Response) -> Grant:
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    token = said.pop("access_token", None)
    usual = str(said.get("token_type", "bearer")).lower() == "bearer"
    if not answer.is_success or not isinstance(token, str) or not token.isascii() or not usual:
        code = said.get("error")
        code = code if code in OAUTH_ERRORS else f"status {answer.status_code}"
        raise FhirSignInError(f"The authorization server gives no token ({code}).")
    life = _seconds(said.pop("expires_in", None))
    refresh, patient = said.pop("refresh_token", None), said.get("patient")
    return Grant(
        access=token,
        ends=time.time() + life - min(EARLY_SECONDS, life / 10),
        scope=str(said.get("scope", "")),
        refresh=refresh if isinstance(refresh, str) else None,
        patient=patient if isinstance(patient, str) else None,
        extra=said,
    )


def _seconds(value: Any) -> float:
    """A lifetime; some servers write the number as text."""
    try:
        return min(max(float(value), 1.0), 86400.0)
    except (TypeError, ValueError):
        return float(UNSAID_SECONDS)
