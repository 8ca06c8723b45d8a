"""Answers that were sent: written down in the draft, and word for word in the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from compliance.errors import NotFoundError
from patient_app.member import Member
from patient_app.visits.drafts import KIND, Draft


def sent(member: Member, id_: str, to: str) -> Draft:
    """Write down that a complete draft was sent, in it and in the ledger, word for word.

    Raises:
        NotFoundError: there is no such draft.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with member.vault.write() as tx:
        draft: Draft | None = tx.get(KIND, id_)
        if draft is None:
            raise NotFoundError("There is no such preparation.")
        draft = {**draft, "sent": {"to": to, "at": now}}
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
        tx.put("ledger", uuid4().hex, entry)
    return draft


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
