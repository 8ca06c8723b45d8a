"""Access and refresh tokens: made, looked up, rotated and forgotten."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from compliance.access import Scopes
from services.hospital.keys import digest_of
from services.hospital.models import SmartClient, SmartGrant, SmartToken, User
from services.hospital.smart.errors import OAuthError
from services.hospital.smart.granular import read_scopes
from services.store.database import Database
from services.store.rows import changed

ACCESS, REFRESH = "cta_", "ctr_"
"""How the tokens begin, so that one that got lost can be told for what it is."""
PERSON_LIFE = timedelta(hours=1)
PROGRAM_LIFE = timedelta(minutes=5)
REFRESH_LIFE = timedelta(days=30)
"""A refresh token that is not used for so long is over."""
CLINICIANS = frozenset({"clinician"})
"""Roles on whose behalf an app may act."""


@dataclass(frozen=True)
class Issued:
    """Fresh tokens, as the client gets them; ``life`` is that of the access token."""

    access: str = field(repr=False)
    life: timedelta
    scopes: Scopes
    refresh: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Bearer:
    """What a good token stands for.

    Attributes:
        client: id of the program; client_name: as people see it.
        scopes: bound to the patient, if there is one.
        audience: address of the FHIR base for which the token was made.
        expires: when the token is over; made: when it was given out.
        user: on whose behalf the program acts; None for a program of its own.
        grant: what the person granted; None for a program of its own.
    """

    client: str
    client_name: str
    kind: Literal["access", "refresh"]
    scopes: Scopes
    audience: str
    expires: datetime
    made: datetime
    user: User | None = None
    grant: SmartGrant | None = None

    @property
    def patient(self) -> str | None:
        """Whose record alone it reaches; None where its scopes are for no one patient.

        One ``patient/`` scope binds the whole grant: ``user/`` scopes beside it reach no further,
        not even in a token that asks for less and leaves the ``patient/`` scopes out.
        """
        bound = [self.scopes, *([scopes_of(self.grant)] if self.grant else [])]
        return self.scopes.patient if any(s.has_context("patient") for s in bound) else None


class Tokens:
    """The tokens of one hospital.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def for_program(self, client: str, scopes: Scopes, audience: str) -> Issued:
        """Give a program a token of its own; there is nothing to refresh it with."""
        token, row = _kept(
            "access", PROGRAM_LIFE, client=client, grant=None, scopes=scopes, audience=audience
        )
        with self._database.transaction() as session:
            session.add(row)
        return Issued(token, PROGRAM_LIFE, scopes)

    @staticmethod
    def for_grant(session: Session, grant: SmartGrant, scopes: Scopes, audience: str) -> Issued:
        """Give a program tokens for what a person granted, within a transaction of the caller.

        Args:
            session: of that transaction.
            grant: by the person.
            scopes: of the access token; those of the grant, or fewer.
            audience: FHIR base address.
        """
        full, refresh = scopes_of(grant), None
        names = {"client": grant.client_id, "grant": grant.id, "audience": audience}
        access, row = _kept("access", PERSON_LIFE, scopes=scopes, **names)
        session.add(row)
        if full.has("offline_access") or full.has("online_access"):
            refresh, row = _kept("refresh", REFRESH_LIFE, scopes=full, **names)
            session.add(row)
        return Issued(access, PERSON_LIFE, scopes, refresh)

    def find(self, token: str) -> Bearer | None:
        """What a token stands for; None when it is unknown, over, used or revoked.

        With it are over: the client, the grant, and the account of the person.
        """
        now = datetime.now(UTC)
        with self._database.reading() as session:
            row = session.get(SmartToken, digest_of(token))
            if row is None or row.expires <= now or row.used is not None:
                return None
            client = session.get(SmartClient, row.client_id)
            grant = session.get(SmartGrant, row.grant_id) if row.grant_id else None
            user = session.get(User, grant.user_id) if grant else None
        if client is None or client.revoked is not None:
            return None
        if row.grant_id is not None and not _stands(grant, user):
            return None
        patient = grant.patient if grant else None
        return Bearer(
            client=client.id,
            client_name=client.name,
            kind="access" if row.kind == "access" else "refresh",
            scopes=Scopes.understood(row.scopes, patient)[0],
            audience=row.audience,
            expires=row.expires,
            made=row.made,
            user=user,
            grant=grant,
        )

    def spend(self, session: Session, token: str) -> bool:
        """Use a refresh token up, within a transaction of the caller; False when it was before."""
        done = session.execute(
            update(SmartToken)
            .where(SmartToken.digest == digest_of(token), SmartToken.used.is_(None))
            .values(used=datetime.now(UTC))
        )
        return changed(done) == 1

    def family(self, token: str) -> tuple[str, str] | None:
        """Client and grant of a refresh token that is kept, used or not; None for any other."""
        with self._database.reading() as session:
            row = session.get(SmartToken, digest_of(token))
        if row is None or row.kind != "refresh" or row.grant_id is None:
            return None
        return row.client_id, row.grant_id

    def forget(self, token: str) -> None:
        """Make an access token good for nothing."""
        with self._database.transaction() as session:
            session.execute(delete(SmartToken).where(SmartToken.digest == digest_of(token)))

    def was_spent(self, token: str) -> bool:
        """Whether a refresh token was exchanged before."""
        with self._database.reading() as session:
            row = session.get(SmartToken, digest_of(token))
        return row is not None and row.used is not None


def scopes_of(grant: SmartGrant) -> Scopes:
    """What a person granted, bound to the patient whom they chose."""
    return Scopes.understood(grant.scopes, grant.patient)[0]


def narrowed(granted: Scopes, asked: str | None) -> Scopes:
    """What is asked for at a refresh, which may be less than was granted and never more.

    Raises:
        OAuthError: it is more, or is not understood.
    """
    if asked is None:
        return granted
    found, unknown = read_scopes(asked, granted.patient)
    if unknown or not found.text or not found.within(granted):
        raise OAuthError("invalid_scope", "More is asked for than was granted.")
    return found


def _stands(grant: SmartGrant | None, user: User | None) -> bool:
    """Whether a grant is good, and so is the account of whoever gave it."""
    good = grant is not None and grant.revoked is None
    return good and user is not None and not user.disabled and user.role in CLINICIANS


def _kept(
    kind: Literal["access", "refresh"],
    life: timedelta,
    *,
    client: str,
    grant: str | None,
    scopes: Scopes,
    audience: str,
) -> tuple[str, SmartToken]:
    """A fresh token, and the row that knows its digest alone."""
    token = (ACCESS if kind == "access" else REFRESH) + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    row = SmartToken(
        digest=digest_of(token),
        kind=kind,
        client_id=client,
        grant_id=grant,
        scopes=scopes.text,
        audience=audience,
        made=now,
        expires=now + life,
    )
    return token, row
