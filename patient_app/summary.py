"""The record in words, grouped, as the record page shows it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from patient_app.member import Member
from services.consult.record.reading import day_of, label, own_resources, ref_of

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


MOST_CHARS = 20_000
"""Of a document that is shown; the whole stays in the record and in every export."""


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
    documents = documents_of(member.resources())
    if documents:
        groups.append({"kind": "documents", "items": documents})
    return groups


def documents_of(resources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Documents of the person's own, the newest first; ``body`` is plain text that lies in one."""
    kinds = {"DocumentReference", "DiagnosticReport"}
    own = [r for r in own_resources(resources) if r.get("resourceType") in kinds]
    rows = [_document(resource) for resource in own if resource.get("status") != "superseded"]
    return sorted(rows, key=lambda row: row["date"] or "", reverse=True)


def _document(resource: Mapping[str, Any]) -> dict[str, Any]:
    contents = [c.get("attachment") or {} for c in resource.get("content", ())]
    attachments = contents or list(resource.get("presentedForm", ()))
    titles = [str(a["title"]) for a in attachments if a.get("title")]
    title = resource.get("description") or next(iter(titles), "") or _name(resource)
    texts = [text for one in attachments if (text := _plain(one))]
    return {
        "id": ref_of(resource),
        "text": str(title),
        "date": day_of(resource, "date", "effectiveDateTime", "effectivePeriod", "issued"),
        "warning": False,
        "body": "\n\n".join([*texts, *_conclusion(resource)])[:MOST_CHARS] or None,
        "elsewhere": any(a.get("contentType") != "text/plain" for a in attachments),
    }


def _name(resource: Mapping[str, Any]) -> str:
    return label(resource.get("type") or resource.get("code")) or str(resource["resourceType"])


def _conclusion(resource: Mapping[str, Any]) -> list[str]:
    said = resource.get("conclusion")
    return [str(said)] if said else []


def _plain(attachment: Mapping[str, Any]) -> str:
    """Plain text that lies in an attachment itself; "" of any other kind, or where it is broken."""
    kind = str(attachment.get("contentType", "")).partition(";")[0]
    if kind != "text/plain" or not attachment.get("data"):
        return ""
    try:
        return base64.b64decode(str(attachment["data"]), validate=True).decode("utf-8")
    except (ValueError, UnicodeDecodeError):
        return ""
