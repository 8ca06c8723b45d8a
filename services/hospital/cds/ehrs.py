"""EHRs that may call: registered by an operator, by issuer and address of their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from compliance.errors import BadInputError
from services.fhir.cds import TrustedEhr
from services.hospital.models import CdsEhr, CdsToken
from services.store.database import Database
from services.store.rows import changed, idle
from services.web.outbound import OutboundRefusedError, origin_of

KEPT_SECONDS = 5.0
"""How long the list is held before the database is to be asked again, in seconds."""


class Ehrs:
    """The registered EHRs, held in memory, so that no call waits for the database to be known.

    Args:
        database: with the hospital's tables.
        clock: seconds; tests move it.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = monotonic) -> None:
        self._database, self._clock = database, clock
        self._held: dict[str, TrustedEhr] | None = None
        self._read = 0.0

    def trust(
        self,
        issuer: str,
        jwks_url: str,
        *,
        fhir_server: str | None = None,
        origins: Iterable[str] = (),
    ) -> TrustedEhr:
        """Register an EHR, or change one; its issuer stays its name.

        Raises:
            BadInputError: an address is none.
        """
        if not issuer or len(issuer) > 400 or any(c.isspace() for c in issuer):  # noqa: PLR2004
            raise BadInputError("An issuer is one word, as in the EHR's tokens.")
        for address in filter(None, (jwks_url, fhir_server)):
            _check(address)
        bare = " ".join(_origin(origin) for origin in origins)
        with self._database.transaction() as session:
            row = session.scalar(select(CdsEhr).where(CdsEhr.issuer == issuer))
            if row is None:
                row = CdsEhr(id=uuid4().hex[:16], issuer=issuer, created=datetime.now(UTC))
                session.add(row)
            row.jwks_url, row.origins, row.revoked = jwks_url, bare, None
            row.fhir_server = fhir_server.rstrip("/") if fhir_server else None
            made = _ehr(row)
        self.refresh()
        return made

    def distrust(self, issuer: str) -> bool:
        """Take no more calls of an EHR; False when it was not trusted."""
        with self._database.transaction() as session:
            row = session.scalar(select(CdsEhr).where(CdsEhr.issuer == issuer))
            known = row is not None and row.revoked is None
            if row is not None and known:
                row.revoked = datetime.now(UTC)
        self.refresh()
        return known

    def of(self, issuer: str) -> TrustedEhr | None:
        """The EHR of an issuer, or None."""
        return self._list().get(issuer)

    def all(self) -> list[TrustedEhr]:
        """Every EHR that is trusted now."""
        return list(self._list().values())

    def allows(self, origin: str) -> bool:
        """Whether scripts of an origin may call."""
        return any(origin in ehr.origins for ehr in self._list().values())

    def first_use(self, token: str, expires: datetime) -> bool:
        """Remember a token's digest; False when it was there."""
        try:
            with self._database.transaction() as session:
                session.add(CdsToken(id=token, expires=expires))
        except IntegrityError:
            return False
        return True

    def forget_expired(self) -> int:
        """Delete the digests of tokens that are over; returns how many."""
        over = delete(CdsToken).where(idle(CdsToken, CdsToken.expires < datetime.now(UTC)))
        with self._database.transaction() as session:
            return changed(session.execute(over))

    @property
    def stale(self) -> bool:
        """Whether the list is to be read again: another process may have changed it."""
        return self._held is None or self._clock() - self._read >= KEPT_SECONDS

    def refresh(self) -> None:
        """Read the list."""
        with self._database.reading() as session:
            rows = session.scalars(select(CdsEhr).where(CdsEhr.revoked.is_(None)))
            self._held = {row.issuer: _ehr(row) for row in rows}
        self._read = self._clock()

    def _list(self) -> dict[str, TrustedEhr]:
        if self._held is None:
            self.refresh()
        return self._held or {}


def _ehr(row: CdsEhr) -> TrustedEhr:
    return TrustedEhr(row.id, row.issuer, row.jwks_url, row.fhir_server, tuple(row.origins.split()))


def _check(address: str) -> None:
    try:
        origin_of(address)
    except OutboundRefusedError:
        raise BadInputError("An address is https://host/path, without a user.") from None


def _origin(origin: str) -> str:
    """An origin as browsers send it."""
    _check(origin)
    parts = urlsplit(origin)
    return f"{parts.scheme}://{parts.netloc}".lower()
