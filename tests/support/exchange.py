"""Referrals as a device makes them, for tests of every tier.

maker = DeviceKeys()
referral = maker.refer("What is asthma?", clinic_keys, destination=Level.CLINIC)
referral.envelope                    # sealed to the clinic, covered by a receipt
open_reply(sealed, referral=referral.id, key=referral.reply_key, signers={…})
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from compliance.receipt import issue_receipt, new_salt
from compliance.sealing import IdentityKey, KeyBundle, SealingKey
from services.consult.messages import Answer, Level, ModelCardRef, Person, Status
from services.exchange.keys import NodeKeys
from services.exchange.messages import Envelope, ReferredQuestion
from services.exchange.sealed import seal_question


@dataclass(frozen=True)
class Referral:
    """An envelope with what only its device knows."""

    envelope: Envelope
    question: ReferredQuestion
    reply_key: SealingKey

    @property
    def id(self) -> str:
        """Its id."""
        return self.envelope.id


@dataclass(frozen=True)
class DeviceKeys:
    """A device: its identity."""

    identity: IdentityKey = field(default_factory=IdentityKey.generate)

    @property
    def fingerprint(self) -> str:
        """Its name among nodes."""
        return self.identity.public.fingerprint

    def bundle(self, level: str = "device", now: datetime | None = None) -> KeyBundle:
        """Its keys as it enrols with them."""
        return KeyBundle.issue(
            self.identity,
            [SealingKey.generate().public],
            node="device-test",
            level=level,
            now=now or datetime.now(UTC),
        )

    def refer(
        self,
        text: str,
        to: NodeKeys,
        *,
        destination: Any = Level.HOSPITAL,
        readers: tuple[str, ...] | None = None,
        id_: str | None = None,
        receipt: dict[str, Any] | None = None,
        **question: Any,
    ) -> Referral:
        """Make a referral; ``receipt`` changes what is asked of `issue_receipt`."""
        id_ = id_ or str(uuid4())
        reply_key = SealingKey.generate()
        given = {
            "referral": id_,
            "text": text,
            "person": Person(age_years=41, sex="female"),
            "reply_to": reply_key.public.to_text(),
        }
        asked = ReferredQuestion(**(given | question))
        payload, salt = asked.model_dump_json(), new_salt()
        wanted: dict[str, Any] = {
            "key": self.identity,
            "payload": payload.encode(),
            "salt": salt,
            "referral": id_,
            "policy": "safe-harbor-1",
            "detector": "caretier-deid/1",
            "consent": "consent-1",
            "destination": destination,
            "readers": readers or (destination,),
            "valid_for": timedelta(days=1),
            "now": datetime.now(UTC),
        }
        envelope = seal_question(
            payload,
            salt,
            issue_receipt(**(wanted | (receipt or {}))),
            device=self.identity.public,
            destination=destination,
            to=to.sealing.current.public,
        )
        return Referral(envelope, asked, reply_key)


def an_answer(id_: str = "a", **changes: Any) -> Answer:
    """A plain answer."""
    values: dict[str, Any] = {
        "id": id_,
        "status": Status.ANSWERED,
        "text": "Asthma is common.",
        "tier": Level.CLINIC,
        "model": ModelCardRef(name="test", digest="sha256:0"),
    }
    return Answer(**(values | changes))


class FailingAudit:
    """A trail that can be told to fail; remembers what it was given."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fails = False

    def record(self, event: dict[str, Any]) -> None:
        """Keep the event, or fail as a full disk would."""
        from compliance.audit import AuditError

        if self.fails:
            raise AuditError("The audit trail cannot be written.")
        self.events.append(event)

    def record_all(self, events: Sequence[dict[str, Any]]) -> None:
        """Keep several events."""
        for event in events:
            self.record(event)
