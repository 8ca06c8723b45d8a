"""What becomes of a release on its way, as audit events: written down before it counts."""

from __future__ import annotations

from typing import Any

from compliance.audit import balp
from compliance.audit.actors import Actors, event, own
from compliance.audit.agents import DICOM, coding
from services.learning.rollout.ports import Move


def moved(by: Actors, what: str, change: Move) -> dict[str, Any]:
    """A release starts, moves on, is held, goes on, comes back or is released.

    Args:
        by: the rollout itself, or the person who decided.
        what: ``rollout:id@version``.
        change: what becomes of it.
    """
    kind = coding(DICOM, "110100", "Application Activity")
    entity = balp.thing(what, change=change)
    return event(by, kind=kind, subtypes=[own("rollout")], action="U", entities=[entity])
