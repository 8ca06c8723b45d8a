"""AuditEvents for what updates change on a node."""

from __future__ import annotations

from typing import Any

from compliance.audit import balp
from compliance.audit.actors import Actors, event, own
from compliance.audit.agents import DICOM, Agent, coding
from services.bricks.updater.ledger import Line

APPLICATION = Agent("application", "caretier-updater")
"""Who acts when bricks are brought up to date."""
PURPOSE = "HOPERAT"
"""Operations of the site, of v3-ActReason."""


def by_node(node: str) -> Actors:
    """The updater of a node, which acts by itself."""
    return Actors(APPLICATION, node, purpose=PURPOSE)


def brick_changed(by: Actors, line: Line) -> dict[str, Any]:
    """A brick came into use, went out of use, was mended, or could not be updated.

    A failure has the outcome ``4``; the reason is the publisher's or the updater's sentence and
    names nobody.
    """
    told = {
        "step": line.step,
        "former": str(line.before or "none"),
        "version": str(line.after or "none"),
        "bytes": str(line.moved),
        **({"why": line.why} if line.why else {}),
    }
    what = f"brick:{line.brick}" if line.brick else "bricks:all"
    return event(
        by,
        kind=coding(DICOM, "110100", "Application Activity"),
        subtypes=[own("brick-update")],
        action="U",
        entities=[balp.thing(what, **told)],
        outcome="4" if line.failed else "0",
    )
