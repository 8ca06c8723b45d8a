"""Consent: what the patient allowed, to which tiers, for what, and until when.

Workflow. A patient who looks at a preview and says "send" gives a `one_time` consent for that
referral; one who says "always, to my clinic" gives a `standing` one. Each consent is for one
purpose; a patient who allows treatment and not learning has one consent and not the other. The send
gate asks ``consent.permits(purpose, tier, now)`` right before a receipt is issued. Withdrawing is
``consent.withdraw(now)``: the next version, which permits nothing any more. Whatever runs under a
consent is wrapped in `while_permitted`, which asks before each event. `to_fhir` writes a consent
for the record.

Example:
    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 11, 21, tzinfo=UTC)
    >>> consent = standing(destinations=("clinic",), purpose="treatment", now=now)
    >>> consent.permits("treatment", "clinic", now), consent.permits("learning", "clinic", now)
    (True, False)
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from compliance.errors import DisclosureRefusedError
from compliance.sealing.encoding import Moment

T = TypeVar("T")
Purpose = Literal["treatment", "second-opinion", "learning", "research"]

ONE_TIME_VALIDITY = timedelta(hours=24)
"""A yes to one preview covers that referral's way through the outbox, no more."""

WORDING = "caretier-consent-2"
"""Id of the words that a patient agrees to now; a consent keeps those of its time.

Since the second ones, learning is also from what a person says of answers.
"""

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_PURPOSE_CODES: dict[Purpose, tuple[str, str]] = {
    "treatment": ("TREAT", "treatment"),
    "second-opinion": ("COC", "coordination of care"),
    "learning": ("HQUALIMP", "health quality improvement"),
    "research": ("HRESCH", "healthcare research"),
}


class Consent(BaseModel):
    """One decision of the patient.

    Attributes:
        id: random; receipts refer to it.
        version: 1 when given, 2 when withdrawn; `to_fhir` tells it.
        wording: id of the words that the patient agreed to.
        scope: always ``referral``.
        destinations: levels that may receive.
        purpose: what for.
        standing: False for one referral, True until withdrawn or expired.
        granted: UTC.
        expires: UTC, or None for no end.
        withdrawn: UTC, or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: str(uuid4()), min_length=1, max_length=64)
    version: int = Field(default=1, ge=1)
    wording: str = Field(default=WORDING, min_length=1, max_length=64)
    scope: Literal["referral"] = "referral"
    destinations: tuple[str, ...] = Field(min_length=1)
    purpose: Purpose
    standing: bool
    granted: Moment
    expires: Moment | None = None
    withdrawn: Moment | None = None

    def permits(self, purpose: str, destination: str, now: datetime) -> bool:
        """Say whether this allows to send to ``destination`` for ``purpose`` at ``now``.

        A withdrawn consent permits nothing, whatever its withdrawal time says: a clock that was
        set back must not bring it to life again.
        """
        return (
            self.withdrawn is None
            and purpose == self.purpose
            and destination in self.destinations
            and self.granted <= now
            and (self.expires is None or now < self.expires)
        )

    def withdraw(self, now: datetime) -> Consent:
        """Return the same consent, withdrawn; the first withdrawal's time stays."""
        if self.withdrawn is not None:
            return self
        changes = {"withdrawn": now, "version": self.version + 1}
        return self.model_validate(self.model_dump() | changes)

    def to_fhir(self, patient_ref: str) -> dict[str, Any]:
        """Write a FHIR R4 Consent.

        Args:
            patient_ref: for example ``Patient/p1``.
        """
        code, display = _PURPOSE_CODES[self.purpose]
        end = self.withdrawn or self.expires
        period = {"start": self.granted.isoformat()} | ({"end": end.isoformat()} if end else {})
        return {
            "resourceType": "Consent",
            "id": self.id,
            "meta": {"versionId": str(self.version)},
            "status": "inactive" if self.withdrawn else "active",
            "scope": _concept("consentscope", "patient-privacy", "Privacy Consent"),
            "category": [_concept("v3-ActCode", "IDSCL", "information disclosure")],
            "patient": {"reference": patient_ref},
            "dateTime": self.granted.isoformat(),
            "policy": [{"uri": f"urn:caretier:consent-wording:{self.wording}"}],
            "policyRule": _concept("v3-ActCode", "OPTIN", "opt-in"),
            "provision": {
                "type": "permit",
                "period": period,
                "actor": [_recipient(level) for level in self.destinations],
                "action": [_concept("consentaction", "disclose", "Disclose")],
                "purpose": [
                    {"system": f"{_TERMINOLOGY}/v3-ActReason", "code": code, "display": display},
                    {"system": "urn:caretier:purpose", "code": self.purpose},
                ],
            },
        }


async def while_permitted(
    events: AsyncIterator[T],
    permitted: Callable[[], bool],
    *,
    spare: Callable[[T], bool] = lambda _event: False,
) -> AsyncIterator[T]:
    """Pass events on while they are permitted; the stream ends with an error when they are not.

    Args:
        events: what runs under a consent; it is closed when this ends.
        permitted: asked in a thread before each event, so that it may read a database.
        spare: says which events are passed on anyway (what triage says about an emergency).

    Raises:
        DisclosureRefusedError: the consent was withdrawn or has expired.
    """
    async with aclosing(events) as stream:  # type: ignore[type-var]
        async for event in stream:
            if not spare(event) and not await to_thread(permitted):
                raise DisclosureRefusedError(
                    "The consent was withdrawn.",
                    remedy="Nothing more is done with the question. Ask again if you wish to.",
                )
            yield event


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {
        "coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code, "display": display}],
    }


def _recipient(level: str) -> dict[str, Any]:
    return {
        "role": _concept("v3-ParticipationType", "IRCP", "information recipient"),
        "reference": {
            "identifier": {"system": "urn:caretier:level", "value": level},
            "display": level,
        },
    }


def one_time(
    *,
    destinations: tuple[str, ...],
    purpose: Purpose = "treatment",
    now: datetime,
    valid_for: timedelta = ONE_TIME_VALIDITY,
) -> Consent:
    """Consent to the one referral that the patient has just seen.

    Args:
        destinations: levels that may receive it.
        purpose: what for.
        now: the present, with a zone.
        valid_for: how long it may wait to be sent.
    """
    return Consent(
        destinations=destinations,
        purpose=purpose,
        standing=False,
        granted=now,
        expires=now + valid_for,
    )


def standing(
    *,
    destinations: tuple[str, ...],
    purpose: Purpose = "treatment",
    now: datetime,
    expires: datetime | None = None,
) -> Consent:
    """Consent until it is withdrawn or expires.

    Args:
        destinations: levels that may receive.
        purpose: what for.
        now: the present, with a zone.
        expires: end, with a zone, or None.
    """
    return Consent(
        destinations=destinations, purpose=purpose, standing=True, granted=now, expires=expires
    )
