"""What people decide about rounds, as audit events: written down before it happens."""

from __future__ import annotations

from typing import Any, Literal

from compliance.audit import balp
from compliance.audit.actors import Actors, event, own
from compliance.audit.agents import DICOM, coding

Act = Literal["started", "approved", "rejected", "retried", "answered"]


def decided(by: Actors, what: str, change: Act) -> dict[str, Any]:
    """A person starts, approves, rejects or retries; ``what`` is ``round:ID`` or ``domain:NAME``.

    One who knows the answer puts a signal right: ``signal:ID``, ``answered``.

    Nothing that was learned from is named: a round knows sites by pseudonym alone.
    """
    kind = coding(DICOM, "110100", "Application Activity")
    entity = balp.thing(what, change=change)
    return event(by, kind=kind, subtypes=[own("learning-round")], action="U", entities=[entity])
