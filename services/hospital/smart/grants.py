"""What people granted to apps: made on the consent page, exchanged by a code, ended by anybody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from compliance.access import Scopes
from compliance.errors import NotFoundError
from services.hospital.keys import digest_of
from services.hospital.models import SmartClient, SmartCode, SmartGrant
from services.hospital.smart.errors import OAuthError
from services.store.database import Database
from services.store.rows import changed

CODE_LIFE = timedelta(seconds=60)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""The S256 of a verifier."""


@dataclass(frozen=True)
class Allowed:
    """What a person allows an app on the consent page.

    Attributes:
        client: id of the app; user: id of the person.
        scopes: that the person left in, bound to the patient whom they chose.
        encounter: id of the Encounter of the launch, if there is one.
        session: digest of the portal session with which it ends; None where it goes on.
        redirect: address that the browser goes back to.
        challenge: of PKCE; nonce: that comes back in the ID token.
    """

    client: str
    user: str
    scopes: Scopes
    redirect: str
    challenge: str
    encounter: str | None = None
    session: str | None = None
    nonce: str | None = None


@dataclass(frozen=True)
class Exchange:
    """A grant whose code was exchanged just now."""

    grant: SmartGrant
    nonce: str | None


class Grants:
    """The grants of one hospital.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, allowed: Allowed, id_: str | None = None) -> str:
        """Keep a grant; returns the code for it, which is good once and for a minute."""
        code, now = secrets.token_urlsafe(32), datetime.now(UTC)
        grant = SmartGrant(
            id=id_ or str(uuid4()),
            client_id=allowed.client,
            user_id=allowed.user,
            scopes=allowed.scopes.text,
            patient=allowed.scopes.patient,
            encounter=allowed.encounter,
            session=allowed.session,
            created=now,
        )
        row = SmartCode(
            digest=digest_of(code),
            grant_id=grant.id,
            redirect=allowed.redirect,
            challenge=allowed.challenge,
            nonce=allowed.nonce,
            expires=now + CODE_LIFE,
        )
        with self._database.transaction() as session:
            session.add_all([grant, row])
        return code

    def check(self, client: str, code: str, redirect: str, verifier: str) -> Exchange:
        """The grant of a code that this client may exchange; a used one ends its grant.

        Raises:
            OAuthError: the code is unknown, over, used, another's, or not proved by PKCE.
        """
        refusal = OAuthError("invalid_grant", "The code cannot be exchanged.")
        with self._database.reading() as session:
            row = session.get(SmartCode, digest_of(code))
            grant = session.get(SmartGrant, row.grant_id) if row else None
        if row is None or grant is None or grant.client_id != client:
            raise refusal
        if row.used is not None:
            self.end(grant.id)
            raise refusal
        good = row.expires > datetime.now(UTC) and grant.revoked is None
        if not good or row.redirect != redirect or not _proved(verifier, row.challenge):
            raise refusal
        return Exchange(grant, row.nonce)

    @staticmethod
    def spend(session: Session, code: str) -> bool:
        """Use a code up, within a transaction of the caller; False when somebody else did."""
        done = session.execute(
            update(SmartCode)
            .where(SmartCode.digest == digest_of(code), SmartCode.used.is_(None))
            .values(used=datetime.now(UTC))
        )
        return changed(done) == 1

    def end(self, id_: str) -> bool:
        """Revoke a grant and with it every token of it; False when it was before."""
        with self._database.transaction() as session:
            done = session.execute(
                update(SmartGrant)
                .where(SmartGrant.id == id_, SmartGrant.revoked.is_(None))
                .values(revoked=datetime.now(UTC))
            )
            return changed(done) == 1

    def of(self, user: str) -> list[tuple[SmartGrant, SmartClient]]:
        """What a person granted and did not end, with the app, the newest first."""
        query = (
            select(SmartGrant, SmartClient)
            .join(SmartClient, SmartClient.id == SmartGrant.client_id)
            .where(
                SmartGrant.user_id == user,
                SmartGrant.revoked.is_(None),
                SmartClient.revoked.is_(None),
            )
            .order_by(SmartGrant.created.desc())
        )
        with self._database.reading() as session:
            return [(grant, client) for grant, client in session.execute(query)]

    def owned(self, id_: str, user: str) -> SmartGrant:
        """A grant of this person.

        Raises:
            NotFoundError: there is none.
        """
        with self._database.reading() as session:
            grant = session.get(SmartGrant, id_)
        if grant is None or grant.user_id != user:
            raise NotFoundError("There is no such grant.")
        return grant


def _proved(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one of the challenge (RFC 7636, S256)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())
