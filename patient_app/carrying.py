"""What a device carries between its people and the clinic: referrals out, answers back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from compliance.audit import AuditTrail
from compliance.audit.witness import WitnessBook
from patient_app import withdrawing
from patient_app.delivery import Delivery
from patient_app.errors import NotLinkedError
from patient_app.member import Member
from services.consult.messages import Answer, Status
from services.exchange.witness import Witness

IDLE_SECONDS = 0.5
TELL_SECONDS = 5.0
"""So long an erasure waits for the clinic to hear that nothing may be learned any more."""
_LOG = logging.getLogger("caretier.device")


class Carrying:
    """The deliveries of a device.

    Args:
        audit: of this device.
        book: of the trails that this device witnesses.
        moved_to: the clinic's address where it is set; else the one of the enrolment counts.
    """

    def __init__(
        self, audit: AuditTrail, book: WitnessBook, moved_to: Callable[[], str | None]
    ) -> None:
        self._audit, self._book, self._moved_to = audit, book, moved_to

    async def deliver(self, member: Member) -> bool:
        """Carry what is due for one person; returns whether there was anything."""
        if not await asyncio.to_thread(_waiting, member):
            return False  # a line to the clinic is not cheap to open: only for what there is
        try:
            delivery = self._delivery(member)
        except NotLinkedError:
            return False
        try:
            return await delivery.once()
        finally:
            await delivery.close()

    def _delivery(self, member: Member) -> Delivery:
        witness = Witness(member.identity, self._audit, self._book)
        return Delivery(member, self._audit, witness=witness, url=self._moved_to())

    async def unlearn(self, member: Member) -> bool:
        """Withdraw the consents for learning and tell the clinic now, for a person who leaves.

        Returns:
            Whether every tier above knows, or had nothing; else what was sent ends by its own time.
        """
        if not await asyncio.to_thread(withdrawing.withdraw_learning, member):
            return True
        try:
            delivery = self._delivery(member)
        except NotLinkedError:
            return True
        try:
            async with asyncio.timeout(TELL_SECONDS):
                return await delivery.tell()
        except TimeoutError:
            return False
        finally:
            await delivery.close()

    async def loop(self, members: Callable[[], Collection[Member]]) -> None:
        """Carry for everyone unlocked, until cancelled."""
        while True:
            for member in list(members()):
                try:
                    await self.deliver(member)
                except Exception as error:  # noqa: BLE001 - the loop must outlive any failure
                    _LOG.error("delivery: %s", type(error).__name__)
            await asyncio.sleep(IDLE_SECONDS)

    async def wait(self, member: Member, consult: str, seconds: float) -> Answer:
        """Carry until a consult is answered or the time is over; returns its answer then."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            await self.deliver(member)
            kept = await asyncio.to_thread(member.vault.get, "consult", consult)
            answer = Answer.model_validate(kept["answer"])
            waiting = answer.status in {Status.QUEUED, Status.REFERRED}
            if not waiting or asyncio.get_running_loop().time() > deadline:
                return member.shown(answer)
            await asyncio.sleep(0.2)


def _waiting(member: Member) -> bool:
    return any(member.vault.items(kind) for kind in ("outbox", withdrawing.WITHDRAWALS))
