"""The cards that say what could not be checked: silence must not look like a clean result."""

from __future__ import annotations

from typing import Any

from services.fhir.cds.cards import Card, Decision, Source
from services.fhir.cds.markdown import fill
from services.fhir.cds.prefetch import Gathered
from services.fhir.cds.service import Service

OURS = Source(label="Caretier")
_CAUSES = {
    "other": "{count} entries are about another person, or do not say about whom: not used.",
    "unreadable": "{count} entries cannot be read: not used.",
    "wrong": "{count} entries are not of the type that was asked for: not used.",
    "many": "{count} entries are more than are looked at: not used.",
}
UNAVAILABLE = Decision(
    card=Card(
        summary="Nothing was checked: decision support is not available now.",
        detail="No result does not mean that there is no problem. Check by hand.",
        indicator="warning",
        source=OURS,
    ),
    rule="unavailable",
    kept=True,
)
"""Says nothing of the patient, so it may be given where nothing can be written down."""


def unchecked(service: Service[Any], gathered: Gathered, *, whole: bool) -> list[Decision]:
    """One card, where anything could not be looked at.

    Args:
        service: that was called.
        gathered: what it had to decide on.
        whole: whether it came to its end.
    """
    lacking = [key for key in service.prefetch if key in gathered.missing]
    missing = [service.called[key] for key in lacking]
    causes = [_CAUSES[c].format(count=n) for c, n in sorted(gathered.left_out.items())]
    if set(lacking) <= service.optional and not causes and whole:
        return []
    lines = [fill("Not to be had, or not all of it: {what}.", what=name) for name in missing]
    if not whole:
        lines.append("The time was up before everything was checked.")
    lines += causes
    said = "Not everything was checked" if not missing else f"Not checked: {', '.join(missing)}"
    summary = said if len(said) < 130 else f"Not checked: {len(missing)} parts of the record"  # noqa: PLR2004
    card = Card(
        summary=f"{summary}.",
        detail="\n".join(f"- {line}" for line in lines)
        + "\n\nWhat is not said here is not known to be safe.",
        indicator=service.silence,
        source=OURS,
    )
    return [Decision(card=card, rule="unchecked", about=(*missing, *causes), kept=True)]
