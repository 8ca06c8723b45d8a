"""The record in words, grouped, as the record page shows it."""

from __future__ import annotations

from typing import Any

from patient_app.member import Member

GROUPS = (
    ("allergies", "what allergies do I have"),
    ("medicines", "what medicines am I taking"),
    ("conditions", "what conditions do I have"),
    ("results", "what are my latest test results"),
    ("immunizations", "what vaccines have I had"),
    ("procedures", "what procedures have I had"),
    ("appointments", "when is my next appointment"),
)
"""Each group is what the record's own rules answer to its question."""


def summarise(member: Member) -> list[dict[str, Any]]:
    """Groups with their facts; a group of which the record says nothing is left out."""
    record = member.record()
    if record is None:
        return []
    groups: list[dict[str, Any]] = []
    for kind, question in GROUPS:
        answer = record.answer(question, member.profile["language"])
        facts = answer.facts if answer else ()
        items = [{"id": f.id, "text": f.text, "date": f.date, "warning": f.warning} for f in facts]
        if items:
            groups.append({"kind": kind, "items": items})
    return groups
