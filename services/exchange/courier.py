"""Courier: carries outgoing referrals to the tier above and brings the replies back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

from compliance.audit import AuditError
from compliance.errors import CaretierError, NotFoundError
from services.exchange.errors import (
    LinkDownError,
    NotAuthenticatedError,
    ReferralRefusedError,
)
from services.exchange.intake import LONGEST_WAIT, Intake
from services.exchange.link import Link
from services.exchange.messages import Envelope, ParcelState
from services.exchange.models import StoredParcel
from services.exchange.withdrawal import Withdrawal

POLL = timedelta(seconds=1)
"""Pause between two looks for the reply of one referral."""
IDLE_SECONDS = 0.25
_LOG = logging.getLogger("caretier.courier")


class Courier:
    """Runs beside a node that has a tier above it; all its state is in the database."""

    def __init__(self, intake: Intake, link: Link, above: str) -> None:
        self._intake, self._link, self._above = intake, link, above

    async def run(self) -> None:
        """Carry until cancelled."""
        while True:
            try:
                busy = await self.once()
            except Exception as error:  # noqa: BLE001 - a courier that dies loses referrals
                _LOG.error("courier: %s", type(error).__name__)
                busy = False
            await asyncio.sleep(0 if busy else IDLE_SECONDS)

    async def once(self) -> bool:
        """Carry what is due now; returns whether there was anything."""
        told = await self._tell_withdrawals()
        due = await asyncio.to_thread(self._intake.due, "outgoing", "relayed")
        for row in due:
            try:
                await (self._send(row) if row.state == "outgoing" else self._fetch(row))
            except Exception as error:  # noqa: BLE001 - one bad row must not hold up the others
                _LOG.error("courier: %s", type(error).__name__)
                await asyncio.to_thread(self._intake.later, row.id, row.attempts)
        return bool(due) or told

    async def _tell_withdrawals(self) -> bool:
        """Pass withdrawn consents on, before anything else; returns whether any was taken."""
        told = False
        for row in await asyncio.to_thread(self._intake.withdrawals.untold):
            try:
                await self._link.withdraw(Withdrawal.model_validate_json(row.message))
            except ReferralRefusedError as error:  # it would be refused for ever
                _LOG.error("a withdrawal was refused above: %s", error.kind)
                await asyncio.to_thread(self._intake.withdrawals.told, row)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must be told in the end
                _LOG.warning("a withdrawal waits: %s", type(error).__name__)
                await asyncio.to_thread(self._intake.withdrawals.later, row, LONGEST_WAIT)
            else:
                told = True
                await asyncio.to_thread(self._intake.withdrawals.told, row)
        return told

    async def _send(self, row: StoredParcel) -> None:
        if not await asyncio.to_thread(self._intake.is_wanted, row.id):
            return  # its consent was withdrawn since the rows were read
        envelope = Envelope.model_validate_json(row.outgoing or row.envelope)
        try:
            await asyncio.to_thread(
                self._intake.record,
                "send",
                envelope,
                source=self._intake.level,
                destination=self._above,
            )
            await self._link.send(envelope)
        except (LinkDownError, NotAuthenticatedError, AuditError):
            await asyncio.to_thread(self._intake.later, row.id, row.attempts)
        except CaretierError as error:
            await asyncio.to_thread(self._intake.refused, row.id, error.kind)
        else:
            await asyncio.to_thread(self._intake.relayed, row.id)

    async def _fetch(self, row: StoredParcel) -> None:
        try:
            parcel = await self._link.fetch(row.id)
        except NotFoundError:
            # the tier above lost it (restored from a backup, say): hand it over again
            await asyncio.to_thread(self._intake.pass_on, row.id, _again(row))
            return
        except CaretierError:
            await asyncio.to_thread(self._intake.later, row.id, row.attempts)
            return
        if parcel.reply is not None:
            await asyncio.to_thread(self._intake.answer, row.id, parcel.reply)
        elif parcel.state is ParcelState.REFUSED:
            await asyncio.to_thread(self._intake.refused, row.id, "refused-above")
        elif parcel.state is ParcelState.ANSWERED:
            await asyncio.to_thread(self._intake.done_above, row.id)
        else:
            await asyncio.to_thread(self._intake.check_again, row.id, POLL)


def _again(row: StoredParcel) -> Envelope | None:
    return Envelope.model_validate_json(row.outgoing) if row.outgoing else None


@contextlib.asynccontextmanager
async def running(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless loops beside a server and stop them with it."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
