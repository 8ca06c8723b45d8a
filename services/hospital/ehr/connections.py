"""Which EHRs are connected, and who is at work with one of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from compliance.errors import BadInputError, NotFoundError
from services.fhir.client import (
    BackendTokens,
    ClientKey,
    ClientSettings,
    Connects,
    FhirClient,
    TokenSource,
    smart_configuration,
)
from services.fhir.client.links import clean_base
from services.fhir.validate import require_type
from services.hospital.ehr.asks import ASKS, Ask
from services.hospital.ehr.errors import EhrHeldError
from services.hospital.models import EhrAwaited, EhrConnection, EhrResource, EhrWatermark
from services.store.database import Database
from services.store.rows import changed

HOLD = timedelta(minutes=3)
"""How long whoever works with a connection keeps it without a sign of life."""
NAME = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True)
class Connecting:
    """A connection as an operator describes it; the fields are those of `EhrConnection`."""

    name: str
    base: str
    client_id: str | None = None
    key_file: Path | None = None
    key_id: str | None = None
    scope: str = "system/*.rs"
    asks: Sequence[str] = field(default_factory=lambda: ASKS)
    patients: Sequence[str] = ()
    group: str | None = None
    keep_ids: bool = False
    every_minutes: int = 5
    full_days: int = 7


class Connections:
    """The connections of a hospital.

    Args:
        database: of the hospital.
        connects: makes HTTP clients, and decides what may be called.
        settings: limits of the clients.
    """

    def __init__(
        self, database: Database, connects: Connects, settings: ClientSettings | None = None
    ) -> None:
        self._database, self._connects, self._settings = database, connects, settings

    def add(self, given: Connecting) -> EhrConnection:
        """Connect an EHR; it is read as soon as somebody is free.

        Raises:
            BadInputError: the description cannot be used.
            OutboundRefusedError: the address is none.
            FhirUnknownTypeError: a type is none of R4.
        """
        _require(given)
        now = datetime.now(UTC)
        row = EhrConnection(
            name=given.name,
            base=clean_base(given.base),
            client_id=given.client_id,
            key_file=str(given.key_file.resolve()) if given.key_file else None,
            key_id=given.key_id,
            scope=given.scope,
            asks=" ".join(given.asks),
            patients=" ".join(given.patients),
            group=given.group,
            prefix="" if given.keep_ids else f"{given.name}-",
            every_minutes=given.every_minutes,
            full_days=given.full_days,
            created=now,
            due=now,
            state="new",
            subscriptions="",
        )
        with self._database.transaction() as session:
            if session.get(EhrConnection, given.name) is not None:
                raise BadInputError("There is a connection of that name.")
            session.add(row)
        return row

    def all(self) -> list[EhrConnection]:
        """Every connection, by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(EhrConnection).order_by(EhrConnection.name)))

    def get(self, name: str) -> EhrConnection:
        """One connection.

        Raises:
            NotFoundError: there is none of that name.
        """
        with self._database.reading() as session:
            found = session.get(EhrConnection, name)
        if found is None:
            raise NotFoundError("There is no connection of that name.")
        return found

    def remove(self, name: str, *, forget: bool) -> None:
        """Disconnect an EHR.

        Args:
            name: of the connection.
            forget: also where its resources came from; they stay, as if written here.

        Raises:
            NotFoundError: there is none of that name.
        """
        self.get(name)
        tables: list[type[EhrWatermark | EhrAwaited | EhrResource]] = [EhrWatermark, EhrAwaited]
        tables += [EhrResource] if forget else []
        with self._database.transaction() as session:
            session.execute(delete(EhrConnection).where(EhrConnection.name == name))
            for table in tables:
                session.execute(delete(table).where(table.connection == name))

    def take(self, name: str, holder: str) -> bool:
        """Begin to work with a connection; False while somebody else does."""
        now = datetime.now(UTC)
        free = or_(
            EhrConnection.holder.is_(None),
            EhrConnection.holder == holder,
            EhrConnection.held < now,
        )
        with self._database.transaction() as session:
            taken = session.execute(
                update(EhrConnection)
                .where(EhrConnection.name == name, free)
                .values(holder=holder, held=now + HOLD, began=now)
            )
            return changed(taken) == 1

    def keep(self, name: str, holder: str) -> None:
        """Keep a connection for longer; errors as `still_held`."""
        with self._database.transaction() as session:
            still_held(session, name, holder)

    @asynccontextmanager
    async def kept(self, name: str, holder: str) -> AsyncIterator[None]:
        """Keep a connection in the background for as long as it is worked with."""

        async def keeping() -> None:
            while True:
                await asyncio.sleep(HOLD.total_seconds() / 3)
                with suppress(EhrHeldError):  # whoever writes is told
                    await asyncio.to_thread(self.keep, name, holder)

        keeper = asyncio.create_task(keeping())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    def release(self, name: str, holder: str, **told: object) -> None:
        """End the work, and keep what came of it."""
        with self._database.transaction() as session:
            session.execute(
                update(EhrConnection)
                .where(EhrConnection.name == name, EhrConnection.holder == holder)
                .values(holder=None, held=None, **told)
            )

    async def open(self, row: EhrConnection) -> FhirClient:
        """A client of a connection; the caller leaves it.

        Raises:
            FhirServerError: the server gives no token, or does not answer.
            OutboundRefusedError: an operator has not listed its origin.
            BadInputError: the key file cannot be read.
        """
        tokens: TokenSource | None = None
        if row.client_id and row.key_file and row.key_id:
            smart = await smart_configuration(self._connects, row.base)
            tokens = BackendTokens(
                self._connects,
                client_id=row.client_id,
                key=ClientKey(_pem(Path(row.key_file)), row.key_id),
                token_url=smart.token,
                scope=row.scope,
            )
        return FhirClient(
            row.base,
            self._connects,
            tokens,
            settings=self._settings,
            valid=False,  # the store checks what it takes
        )


def still_held(session: Session, name: str, holder: str) -> None:
    """Keep a connection for longer, in the transaction of what is written.

    Raises:
        EhrHeldError: somebody else has it by now; nothing may be written.
    """
    kept = session.execute(
        update(EhrConnection)
        .where(EhrConnection.name == name, EhrConnection.holder == holder)
        .values(held=datetime.now(UTC) + HOLD)
    )
    if changed(kept) != 1:
        raise EhrHeldError("Somebody else works with this connection by now.")


def _require(given: Connecting) -> None:
    if not NAME.fullmatch(given.name):
        raise BadInputError("A name has 1 to 16 small letters and digits, a letter first.")
    proof = (given.client_id, given.key_file, given.key_id)
    if any(proof) and not all(proof):
        raise BadInputError("Client id, key file and key id go together.")
    if given.key_file is not None:
        _pem(given.key_file)
    if not given.asks or given.every_minutes < 1 or given.full_days < 1:
        raise BadInputError("Say what is read, and how often.")
    for ask in given.asks:
        require_type(Ask(ask).kind)


def _pem(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        raise BadInputError("The key file cannot be read.") from None
