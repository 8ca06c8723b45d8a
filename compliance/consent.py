"""Consent: what the patient allowed, for which tiers, until when.

Workflow. A patient who looks at a preview and says "send" gives a `one_time` consent for that
referral; one who says "always, to my clinic" gives a `standing` one. The send gate asks
``consent.permits(purpose, destination, now)`` right before a receipt is issued. Withdrawing is
``consent.withdraw(now)``, which permits nothing any more. `to_fhir` writes it for the record.

Example:
    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 11, 21, tzinfo=UTC)
    >>> consent = standing(destinations=("clinic",), purpose="treatment", now=now)
    >>> consent.permits("treatment", "clinic", now), consent.permits("learning", "clinic", now)
    (True, False)
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from compliance.sealing.encoding import Moment

Purpose = Literal["treatment", "learning"]

ONE_TIME_VALIDITY = timedelta(hours=24)
"""A yes to one preview covers that referral's way through the outbox, no more."""

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_PURPOSE_CODES: dict[Purpose, tuple[str, str]] = {
    "treatment": ("TREAT", "treatment"),
    "learning": ("HQUALIMP", "health quality improvement"),
}


class Consent(BaseModel):
    """One decision of the patient.

    Attributes:
        id: random; receipts refer to it.
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
        return self.model_validate(self.model_dump() | {"withdrawn": now})

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
            "status": "inactive" if self.withdrawn else "active",
            "scope": _concept("consentscope", "patient-privacy", "Privacy Consent"),
            "category": [_concept("v3-ActCode", "IDSCL", "information disclosure")],
            "patient": {"reference": patient_ref},
            "dateTime": self.granted.isoformat(),
            "policyRule": _concept("v3-ActCode", "OPTIN", "opt-in"),
            "provision": {
                "type": "permit",
                "period": period,
                "actor": [_recipient(level) for level in self.destinations],
                "action": [_concept("consentaction", "disclose", "Disclose")],
                "purpose": [
                    {"system": f"{_TERMINOLOGY}/v3-ActReason", "code": code, "display": display}
                ],
            },
        }


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
