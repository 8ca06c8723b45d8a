"""What the page of one referral shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.consult.messages import Fact, Status
from services.hospital.chart.referred import KINDS, absent, groups
from services.hospital.desk import DeskItem
from services.hospital.portal.drafts import arranged, knowledge_of, marks, view_draft
from services.hospital.portal.placeholders import damaged, given
from services.hospital.portal.views import Voices, in_short, reason, stamp, years
from services.web.i18n import Translator


def context_of(item: DeskItem, t: Translator) -> list[tuple[str, str]]:
    """What is known about the person, as pairs of label and value."""
    person = item.question.person
    pregnant = {None: "unknown", True: "yes", False: "no"}[person.pregnant]
    return [
        (t("person.age"), years(person, t)),
        (t("person.sex"), t(f"person.{person.sex or 'unknown'}")),
        (t("person.pregnant"), t(f"person.{pregnant}")),
        (t("person.country"), person.country),
        (t("person.language"), t(f"language.{person.language}")),
    ]


def facts_of(item: DeskItem) -> list[tuple[str, list[tuple[int, Fact]]]]:
    """The facts that crossed by kind, numbered through; those that bear on safety first."""
    numbers = iter(range(1, len(item.question.facts) + 1))
    return [
        (group.kind, [(next(numbers), fact) for fact in group.facts])
        for group in groups(item.question)
    ]


def trace_of(item: DeskItem) -> list[tuple[str, str, str]]:
    """Steps of the draft: name, time, and what was decided as JSON text."""
    steps = item.draft.trace if item.draft else ()
    return [
        (s.step, f"{s.ms:.1f} ms", json.dumps(s.detail, ensure_ascii=False, default=str))
        for s in steps
    ]


def referral_context(
    item: DeskItem, names: Mapping[str, str], voices: Voices, text: str
) -> dict[str, Any]:
    """Everything that the page of one referral shows.

    Args:
        item: the referral.
        names: display names by user id.
        voices: of the reader and the patient.
        text: of the reply, which may be newer than what is saved.
    """
    draft, grouped, t = item.draft, facts_of(item), voices.reader
    facts = [fact for _, found in grouped for _, fact in found]
    whose = marks(item, text)
    view = view_draft(item, facts, voices.language)
    return {
        "item": item,
        "text": text,
        "reason": reason(item.reason, t),
        "person": context_of(item, t),
        "in_short": in_short(item.question.person, t),
        "facts": grouped,
        "absent": ", ".join(
            t(f"chart.facts.kind.{kind}").lower() for kind in absent(item.question)
        ),
        "known_kinds": KINDS,
        "sources": knowledge_of(item, facts),
        "view": view,
        "arranged": arranged(view, voices.patient),
        "sentences": json.dumps([s.text for s in draft.sentences] if draft else []),
        "marks": whose,
        "untouched": sum(piece.sentence is not None for piece in whose),
        "drafted": draft.text if draft and draft.status is Status.ANSWERED else "",
        "trace": trace_of(item),
        "given": given(item.question),
        "damaged": damaged(text, item.question),
        "received": stamp(item.received),
        "signed": stamp(item.signed),
        "assignee": names.get(item.assignee or "", ""),
        "signer": names.get(item.signed_by or "", t("referral.somebody")),
    }
