"""Who a person is, told to an app: the ID token, signed with a key of the hospital's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from compliance.access import Scopes
from services.hospital.models import SmartGrant, User
from services.hospital.smart.signing import ALGORITHM, SigningKeys
from services.hospital.smart.site import Site

LIFE = timedelta(minutes=5)


class Identities:
    """Says who people are.

    Args:
        keys: that sign it.
        user: gives an account by its id.
    """

    def __init__(self, keys: SigningKeys, user: Callable[[str], User]) -> None:
        self._keys, self._user = keys, user

    def fhir_user(self, user_id: str, site: Site) -> dict[str, str]:
        """The claim that names the person's entry in the record; nothing where there is none."""
        entry = practitioner_of(self._user(user_id))
        return {"fhirUser": f"{site.fhir}/{entry}"} if entry else {}

    def id_token(self, grant: SmartGrant, scopes: Scopes, site: Site, nonce: str | None) -> str:
        """A signed token that says who granted something, for the app alone."""
        user, now = self._user(grant.user_id), datetime.now(UTC)
        claims: dict[str, Any] = {
            "iss": site.base,
            "sub": user.id,
            "aud": grant.client_id,
            "iat": now,
            "exp": now + LIFE,
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if scopes.has("fhirUser"):
            claims |= self.fhir_user(user.id, site)
        if scopes.has("profile"):
            claims["name"] = user.display_name
        key = self._keys.current()
        return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.id})


def practitioner_of(user: User) -> str | None:
    """The Practitioner that an account stands for, as ``Practitioner/id``."""
    staff = (user.acts_as or "").split()
    return next((one for one in staff if one.startswith("Practitioner/")), None)
