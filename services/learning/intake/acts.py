"""What happens to contributions, as audit events; a refusal is one too."""

from __future__ import annotations

from typing import Any, Literal

from compliance.audit import balp
from compliance.audit.actors import Actors, event, own
from compliance.audit.agents import DICOM, coding

Change = Literal[
    "waiting",
    "quarantined",
    "refused",
    "withdrawn",
    "readmitted",
    "appealed",
    "lifted",
    "upheld",
]


def handed(by: Actors, what: str, change: Change) -> dict[str, Any]:
    """A contribution comes or goes, or a node's trust is argued about.

    Args:
        by: the node that sent it, or a person.
        what: ``contribution:ID`` or ``trust:NUMBER``.
        change: what becomes of it.
    """
    return event(
        by,
        kind=coding(DICOM, "110100", "Application Activity"),
        subtypes=[own("contribution")],
        action="U",
        outcome="8" if change == "refused" else "0",
        entities=[balp.thing(what, change=change)],
    )
