"""Programs that may ask for tokens: registered by an operator, never by themselves."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, cast

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from compliance.access import Scopes
from compliance.access.scopes import LAUNCH_WORDS
from compliance.errors import BadInputError, NotFoundError
from services.hospital.audited import Auditor, Caller
from services.hospital.keys import digest_of
from services.hospital.models import SmartClient
from services.hospital.smart import addresses
from services.hospital.smart.granular import require_usable
from services.hospital.smart.jwks import parse_keys
from services.store.database import Database
from services.store.rows import changed

Kind = Literal["public", "symmetric", "asymmetric"]
INTROSPECT = "introspect"
"""Scope of a resource server: it may ask what any token stands for."""
ASK = "ask"
"""Scope of who may put questions (``$ask``) to a record that they may read as a whole."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
_NAME_CHARS = 80


@dataclass(frozen=True)
class Client:
    """A registered program.

    Attributes:
        id: its ``client_id``; name: as people see it.
        kind: how it proves who it is: not at all, by a secret, or by a key.
        scopes: what it may be granted at most.
        redirects: addresses that browsers may be sent back to, compared letter by letter.
        origins: of its pages, which may call from a browser.
        launch_url: where it is launched from a chart.
        secret: digest of its secret.
        jwks: its public keys as JSON; jwks_uri: where they are, if they are fetched.
    """

    id: str
    name: str
    kind: Kind
    scopes: Scopes
    redirects: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    launch_url: str | None = None
    secret: str | None = field(default=None, repr=False)
    jwks: str | None = None
    jwks_uri: str | None = None

    def has_secret(self, given: str) -> bool:
        """Whether this is its secret, in constant time."""
        kept = self.secret or digest_of(secrets.token_urlsafe(32))
        return hmac.compare_digest(kept, digest_of(given)) and self.kind == "symmetric"


class Clients:
    """The programs that one hospital knows.

    Args:
        database: where they are.
        auditor: writes down that one is registered or revoked.
    """

    def __init__(self, database: Database, auditor: Auditor) -> None:
        self._database, self._auditor = database, auditor

    def add(
        self,
        name: str,
        kind: Kind,
        scopes: str,
        *,
        id_: str | None = None,
        redirects: Iterable[str] = (),
        origins: Iterable[str] = (),
        launch_url: str | None = None,
        jwks: str | None = None,
        jwks_uri: str | None = None,
        by: Caller | None = None,
    ) -> tuple[Client, str | None]:
        """Register a program; returns it with its secret, which is shown this once.

        Raises:
            BadInputError: something of it cannot be used, or its id is taken.
            AuditError: it could not be written down; it is not registered.
        """
        if kind not in {"public", "symmetric", "asymmetric"}:
            raise BadInputError("A client is public, symmetric or asymmetric.")
        secret = secrets.token_urlsafe(32) if kind == "symmetric" else None
        client = Client(
            id=_identity(id_),
            name=_name(name),
            kind=kind,
            scopes=_scopes(scopes, kind),
            redirects=tuple(addresses.redirect(uri) for uri in redirects),
            origins=tuple(addresses.origin(uri) for uri in origins),
            launch_url=addresses.web(launch_url) if launch_url else None,
            secret=digest_of(secret) if secret else None,
            jwks=jwks,
            jwks_uri=addresses.web(jwks_uri) if jwks_uri else None,
        )
        _require_keys(client)
        self._auditor.key(by or Caller.shell(), client.id, "made")
        try:
            with self._database.transaction() as session:
                session.add(_row(client))
        except IntegrityError:
            raise BadInputError("There is a client of this id already.") from None
        return client, secret

    def find(self, id_: str) -> Client | None:
        """A program by its id, or None when it is unknown or revoked."""
        with self._database.reading() as session:
            row = session.get(SmartClient, id_) if _ID.fullmatch(id_) else None
        return None if row is None or row.revoked is not None else _client(row)

    def listing(self) -> list[SmartClient]:
        """Every program that was registered, the newest first."""
        with self._database.reading() as session:
            return list(session.scalars(select(SmartClient).order_by(SmartClient.created.desc())))

    def launched(self) -> list[Client]:
        """Those that can be launched from a chart, by name."""
        good = select(SmartClient).where(
            SmartClient.revoked.is_(None), SmartClient.launch_url.is_not(None)
        )
        with self._database.reading() as session:
            return [_client(row) for row in session.scalars(good.order_by(SmartClient.name))]

    def origins(self) -> frozenset[str]:
        """Origins of the pages that may call from a browser."""
        good = select(SmartClient.origins).where(
            SmartClient.revoked.is_(None), SmartClient.origins != ""
        )
        with self._database.reading() as session:
            return frozenset(one for text in session.scalars(good) for one in text.split())

    def revoke(self, id_: str, by: Caller | None = None) -> None:
        """Refuse every further call of a program, and every token that it holds.

        Raises:
            NotFoundError: there is none of this id, or it was revoked before.
            AuditError: it could not be written down; the program is still known.
        """
        if self.find(id_) is None:
            raise NotFoundError("There is no such client.")
        self._auditor.key(by or Caller.shell(), id_, "revoked")
        with self._database.transaction() as session:
            done = session.execute(
                update(SmartClient)
                .where(SmartClient.id == id_, SmartClient.revoked.is_(None))
                .values(revoked=datetime.now(UTC))
            )
            if changed(done) != 1:
                raise NotFoundError("There is no such client.")


def _identity(given: str | None) -> str:
    id_ = given or secrets.token_hex(16)
    if not _ID.fullmatch(id_):
        raise BadInputError("A client id has 3 to 64 letters, digits, dots, dashes.")
    return id_


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not name or len(name) > _NAME_CHARS or not name.isprintable():
        raise BadInputError(f"A client has a name of at most {_NAME_CHARS} characters.")
    return name


def _scopes(text: str, kind: Kind) -> Scopes:
    """What the program may be granted.

    Raises:
        BadInputError: a scope is not understood, or is for another kind of program.
    """
    found, unknown = Scopes.understood(text)
    if unknown or not set(found.words) <= LAUNCH_WORDS | {INTROSPECT, ASK}:
        raise BadInputError("A scope of the client is not understood.")
    if found.has_context("system") and kind != "asymmetric":
        raise BadInputError("Only a client with a key of its own may have system/ scopes.")
    require_usable(found)
    return found


def _require_keys(client: Client) -> None:
    given = [one for one in (client.jwks, client.jwks_uri) if one]
    if len(given) != (1 if client.kind == "asymmetric" else 0):
        raise BadInputError("An asymmetric client has its keys or their address, and no other has.")
    if client.jwks and not parse_keys(client.jwks):
        raise BadInputError("None of the keys can be used: RSA of 2048 bits or more, or P-384.")


def _row(client: Client) -> SmartClient:
    return SmartClient(
        id=client.id,
        name=client.name,
        kind=client.kind,
        scopes=client.scopes.text,
        redirects=" ".join(client.redirects),
        origins=" ".join(client.origins),
        launch_url=client.launch_url,
        secret=client.secret,
        jwks=client.jwks,
        jwks_uri=client.jwks_uri,
        created=datetime.now(UTC),
    )


def _client(row: SmartClient) -> Client:
    return Client(
        id=row.id,
        name=row.name,
        kind=cast("Kind", row.kind),
        scopes=Scopes.understood(row.scopes)[0],
        redirects=tuple(row.redirects.split()),
        origins=tuple(row.origins.split()),
        launch_url=row.launch_url,
        secret=row.secret,
        jwks=row.jwks,
        jwks_uri=row.jwks_uri,
    )
