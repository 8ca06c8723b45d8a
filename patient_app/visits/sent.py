"""Answers that were sent: written down in the draft, and word for word in the ledger.

A draft that was sent holds ``sent`` (to whom, when, by which id there); once it is altered that
moves to ``former``, for the earlier version is still there. ``back`` counts how often it was taken
back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from compliance.errors import NotFoundError
from patient_app.member import Member
from patient_app.vault import Transaction
from patient_app.visits.drafts import KIND, Draft

Sent = dict[str, str]
"""``to`` (name), ``place`` (id), ``there`` (id of the resource), ``at``, ``ledger``."""


def versions(draft: Draft) -> list[Sent]:
    """Every version that lies elsewhere and was not taken back, the oldest first."""
    last = draft.get("sent")
    return [*draft.get("former", ()), *([last] if last else [])]


def sent(member: Member, id_: str, to: str, *, place: str = "", there: str = "") -> Draft:
    """Write down that a complete draft was sent, in it and in the ledger, word for word.

    Args:
        member: whose.
        id_: of the draft.
        to: name of the record that has it now.
        place: id of that record.
        there: id that the answers have there.

    Raises:
        NotFoundError: there is no such draft.
    """
    now, number = _now(), uuid4().hex
    with member.vault.write() as tx:
        draft = _draft(tx, id_)
        note = {"to": to, "at": now, "place": place, "there": there, "ledger": number}
        draft = {**draft, "sent": note, "taken": None}
        tx.put(KIND, id_, draft)
        text = "\n".join(in_words(draft["response"].get("item", [])))
        entry = {
            "consult": None,
            "time": now,
            "destination": to,
            "readers": [to],
            "text": text,
            "bytes": len(json.dumps(draft["response"], ensure_ascii=False).encode()),
            "state": "sent",
        }
        tx.put("ledger", number, entry)
    return draft


def taken_back(member: Member, id_: str) -> Draft:
    """Write down that every version was taken back; the ledger keeps what had left.

    Raises:
        NotFoundError: there is no such draft.
    """
    with member.vault.write() as tx:
        draft = _draft(tx, id_)
        for one in versions(draft):
            entry = tx.get("ledger", one["ledger"]) if "ledger" in one else None
            if entry is not None:
                tx.put("ledger", one["ledger"], {**entry, "state": "withdrawn"})
        back = {"back": draft.get("back", 0) + 1, "taken": _now()}
        draft = {**draft, "sent": None, "former": [], **back}
        tx.put(KIND, id_, draft)
    return draft


def _draft(tx: Transaction, id_: str) -> Draft:
    draft: Draft | None = tx.get(KIND, id_)
    if draft is None:
        raise NotFoundError("There is no such preparation.")
    return draft


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def in_words(items: list[dict[str, Any]]) -> Iterator[str]:
    """Each question with its answers, a line each."""
    for item in items:
        given = [_answer_text(answer) for answer in item.get("answer", ())]
        yield f"{item.get('text', '')} {'; '.join(given)}".strip()
        yield from in_words(item.get("item", []))


def _answer_text(answer: dict[str, Any]) -> str:
    value = next((v for k, v in answer.items() if k.startswith("value")), "")
    if isinstance(value, dict):
        return str(value.get("display") or value.get("code") or value.get("reference"))
    return {True: "✓", False: "✗"}[value] if isinstance(value, bool) else str(value)
