"""The device: its people, and all that runs for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from compliance.audit import AuditTrail
from compliance.audit.witness import BOOK, WitnessBook
from compliance.deidentify import Deidentifier
from compliance.errors import BadInputError, CaretierError, NotFoundError
from compliance.retention import Schedule
from compliance.sealing import KeyBundle, SealingKey
from patient_app import recovering, withdrawing
from patient_app.asking import Asking, Event
from patient_app.bricks import DeviceBricks
from patient_app.carrying import Carrying
from patient_app.connect.service import Connections
from patient_app.disclosure import Discloser
from patient_app.errors import LockedError
from patient_app.member import Member
from patient_app.personal.suggestions import Suggester
from patient_app.personal.training import train_when_due
from patient_app.settings import DeviceSettings
from patient_app.vault import RecoveryCode, Vault, VaultAnchorMissingError
from patient_app.vault.tidying import device_sweeper
from services.bricks.updater.acts import brick_changed, by_node
from services.consult.messages import (
    Answer,
    Level,
    Offer,
)
from services.consult.node import Node
from services.exchange.link import enrol

TIDY_SECONDS = 3600.0
LEARN_SECONDS = 900.0
_LOG = logging.getLogger("caretier.device")


class Device:
    """Everything that a device process holds.

    Args:
        settings: of this device.
        node: runs the consult path; opened on first use when None.
    """

    def __init__(self, settings: DeviceSettings, node: Node | None = None) -> None:
        self.settings, self._given_node = settings, node
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.audit = AuditTrail.open(settings.data, "device", node="device")
        book = WitnessBook(settings.data / BOOK)
        self._asking = Asking(self)
        self._carrying = Carrying(self.audit, book, lambda: self._moved_to)
        self._schedule = Schedule.load()
        self.members: dict[str, Member] = {}
        self._last_used = time.monotonic()
        self._suggester: Suggester | None = None
        self.connections = Connections(
            settings.records, self.audit, private=settings.records_private
        )
        self.bricks = DeviceBricks(
            settings.data / "bricks",
            lambda: self._moved_to,
            write=lambda line: self.audit.record(brick_changed(by_node("device"), line)),
        )

    @cached_property
    def node(self) -> Node:
        """The consult path with the device's knowledge."""
        return self._given_node or Node.open(Level.DEVICE, bricks=self.settings.data / "bricks")

    @property
    def suggester(self) -> Suggester:
        """Ranks the topics that this device knows now."""
        if self._suggester is None or self._suggester.index is not self.node.index:
            self._suggester = Suggester(self.node.index)
        return self._suggester

    @cached_property
    def discloser(self) -> Discloser:
        """Makes previews and sends them; loads the detector on first use."""
        return Discloser(Deidentifier.load(), self.audit)

    @property
    def _moved_to(self) -> str | None:
        """The clinic's address where it is set; else the one of the enrolment counts."""
        given = "clinic_url" in self.settings.model_fields_set
        return self.settings.clinic_url if given else None

    def people(self) -> list[str]:
        """Ids of everyone with a vault here, in order."""
        if not self.settings.vaults.is_dir():
            return []
        return sorted(p.name for p in self.settings.vaults.iterdir() if Vault.exists(p))

    def _folder(self, person: str) -> Path:
        if person not in self.people():
            raise NotFoundError("There is no such person on this device.")
        return self.settings.vaults / person

    def unlock(self, person: str, passphrase: str, recovery: str | None = None) -> Member:
        """Open a person's vault, or return it when it is open; the passphrase is checked anyway.

        Args:
            person: whose.
            passphrase: of the vault.
            recovery: its recovery text, where it was moved here from another device.

        Raises:
            NotFoundError: no such person.
            BadInputError: the recovery text was mistyped.
            VaultError: wrong passphrase, damaged, an older copy, or moved here without its
                recovery text.
        """
        return self._opened(person, passphrase, recovery)

    def recover(
        self, person: str, code: RecoveryCode, new: str, recovery: str | None = None
    ) -> Member:
        """Open a person's vault by its recovery code and give it another passphrase.

        Args:
            person: whose.
            code: of the vault; it is void from now on.
            new: the passphrase that is to open it.
            recovery: as in `unlock`.

        Raises:
            AuditError: it could not be written down; nothing was changed.
            VaultError: as in `unlock`.
        """
        was_open = person in self.members
        member = self._opened(person, code, recovery)
        try:
            recovering.use(self.audit, member, code, new)
        except CaretierError:
            if not was_open:
                self.lock(person)
            raise
        return member

    def _opened(self, person: str, secret: str | RecoveryCode, recovery: str | None) -> Member:
        vault = _open(self._folder(person), secret, recovery)
        held = self.members.get(person)
        if held is not None:
            vault.close()
            return held
        self.members[person] = Member(person, vault)
        self.tidy(self.members[person])
        return self.members[person]

    def tidy(self, member: Member) -> dict[str, int]:
        """Delete what is over by the retention schedule; returns how many by rule."""
        return device_sweeper(self._schedule, member.vault).sweep(datetime.now(UTC))

    async def tidy_loop(self) -> None:
        """Tidy for everyone unlocked, every hour, until cancelled; unlocking tidies too."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            for member in list(self.members.values()):
                await asyncio.to_thread(self.tidy, member)

    def member(self, person: str | None = None) -> Member:
        """An unlocked person, the first one when None; a passphrase file unlocks by itself.

        Raises:
            LockedError: locked, and there is no passphrase file.
            NotFoundError: no such person, or nobody at all.
        """
        people = self.people()
        if not people:
            raise NotFoundError(
                "Nobody has a record on this device yet.",
                remedy="`caretier device add NAME` makes one; `caretier up` makes a sandbox.",
            )
        chosen = person or people[0]
        if chosen in self.members:
            return self.members[chosen]
        passphrase = self.settings.passphrase()
        if passphrase is None:
            self._folder(chosen)
            raise LockedError("The record is locked.")
        return self.unlock(chosen, passphrase)

    def add(self, person: str, passphrase: str) -> Member:
        """Make a vault for a person."""
        if not person.replace("-", "").isalnum() or len(person) > 64:  # noqa: PLR2004
            raise BadInputError("A person's id has letters, digits and hyphens, at most 64.")
        member = Member.create(self.settings.vaults / person, passphrase)
        self.members[person] = member
        return member

    def lock(self, person: str) -> None:
        """Close a person's vault."""
        member = self.members.pop(person, None)
        if member is not None:
            member.vault.close()

    async def enrol(self, member: Member, code: str) -> str:
        """Enrol a person's device at the clinic; returns the clinic's name.

        Raises:
            EnrolmentError, LinkDownError: see `services.exchange.link.enrol`.
        """
        bundle = KeyBundle.issue(
            member.identity,
            [SealingKey.generate().public],
            node=f"device-{member.identity.public.fingerprint[:6]}",
            level=Level.DEVICE,
            now=datetime.now(UTC),
        )
        clinic, above = await enrol(self.settings.clinic_url, code, bundle)
        hospital = above[0] if above else None
        await asyncio.to_thread(member.link_to, self.settings.clinic_url, clinic, hospital)
        return clinic.node

    async def ask(
        self,
        member: Member,
        text: str,
        *,
        conversation: str | None = None,
        local_only: bool = False,
    ) -> AsyncIterator[Event]:
        """Answer a question here, or offer to refer it; see `patient_app.asking.Asking.ask`."""
        self._last_used = time.monotonic()
        events = self._asking.ask(member, text, conversation=conversation, local_only=local_only)
        async with contextlib.aclosing(events) as stream:
            async for event in stream:
                yield event

    async def preview(
        self,
        member: Member,
        text: str,
        conversation: str | None = None,
        consult: str | None = None,
    ) -> Offer:
        """What would leave for a question; see `patient_app.asking.Asking.preview`."""
        return await self._asking.preview(member, text, conversation, consult)

    async def deliver(self, member: Member) -> bool:
        """Carry what is due for one person; see `patient_app.carrying.Carrying.deliver`."""
        return await self._carrying.deliver(member)

    async def unlearn(self, member: Member) -> bool:
        """Tell the clinic of a person who leaves; see `patient_app.carrying.Carrying.unlearn`."""
        return await self._carrying.unlearn(member)

    async def wait(self, member: Member, consult: str, seconds: float) -> Answer:
        """Carry until a consult is answered; see `patient_app.carrying.Carrying.wait`."""
        return await self._carrying.wait(member, consult, seconds)

    async def delivery_loop(self) -> None:
        """Carry for everyone unlocked, until cancelled."""
        await self._carrying.loop(self.members.values)

    async def learning_loop(self) -> None:
        """Train the adapters of those who want one while the device is idle, until cancelled."""
        while True:
            await asyncio.sleep(LEARN_SECONDS)
            for member in list(self.members.values()):
                try:
                    await asyncio.to_thread(
                        train_when_due, member.vault, lambda: self.suggester, self._last_used
                    )
                except Exception as error:  # noqa: BLE001 - the loop must outlive any failure
                    _LOG.error("personal adapter: %s", type(error).__name__)

    def withdraw(self, member: Member, consent_id: str) -> None:
        """Withdraw a consent; see `patient_app.withdrawing.withdraw`."""
        withdrawing.withdraw(member, consent_id)

    async def close(self) -> None:
        """Lock everyone and free the engine."""
        await self.connections.close()
        for person in list(self.members):
            self.lock(person)
        if "node" in self.__dict__:
            await self.node.close()


def _open(folder: Path, secret: str | RecoveryCode, recovery: str | None) -> Vault:
    try:
        return Vault.open(folder, secret, recovery=recovery)
    except VaultAnchorMissingError:
        if recovery is None:
            raise
        # Whoever gives the recovery text says that the vault was moved to this device, which
        # cannot know of a newer state. Where it does know of one, that still counts.
        return Vault.open(folder, secret, recovery=recovery, accept_restore=True)
