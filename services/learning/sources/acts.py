"""What people decide about changes of knowledge, as audit events: written before it happens."""

from __future__ import annotations

from typing import Any, Literal

from compliance.audit import balp
from compliance.audit.actors import Actors, event, own
from compliance.audit.agents import DICOM, coding

Act = Literal["asked", "approved", "refused", "kept", "rechecked", "signed"]


def decided(by: Actors, what: str, change: Act) -> dict[str, Any]:
    """A person asks a source or decides a change; ``what`` is ``source:ID`` or ``change:ID``."""
    kind = coding(DICOM, "110100", "Application Activity")
    entity = balp.thing(what, change=change)
    return event(by, kind=kind, subtypes=[own("knowledge-change")], action="U", entities=[entity])
