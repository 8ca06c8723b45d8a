"""One event in short: what a search goes through, taken out of the whole AuditEvent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compliance.audit.errors import AuditError

_OWN = ("urn:caretier:act", "urn:caretier:crossing")
_PATIENT, _QUERY = "1", "24"
LONGEST_WHAT = 300
_Part = dict[str, Any]
_NOTHING: _Part = {}


@dataclass(frozen=True)
class Entry:
    """What is looked for in an event; a text that it does not have is empty.

    Attributes:
        seq: number of its record.
        time: when it was written, ISO 8601 in UTC.
        act: our own word for it (``read``, ``sign-in``), else the code of the standard.
        who: id of the person.
        role: of the person, then.
        patient: ``Patient/id`` or a pseudonym.
        outcome: ``0`` for success, ``4``, ``8``, ``12``.
        client: network address that was asked from.
        what: what was used, ``Type/id`` or ``kind:id``, or a search.
        change: what was done to it.
        program: name of the program.
        purpose: code of v3-ActReason.
    """

    seq: int
    time: str
    act: str
    who: str
    role: str
    patient: str
    outcome: str
    client: str
    what: str
    change: str
    program: str
    purpose: str


def entry_of(seq: int, time: str, event: dict[str, Any]) -> Entry:
    """Take what is searched out of an event.

    Raises:
        AuditError: it is not an AuditEvent as this product writes them.
    """
    try:
        agents: dict[str, _Part] = {one["type"]["text"]: one for one in reversed(event["agent"])}
        person, program = agents.get("person") or {}, agents.get("application") or {}
        entities: list[_Part] = event.get("entity", [])
        patient = next((one for one in entities if _role(one) == _PATIENT), _NOTHING)
        used = next((one for one in entities if _role(one) not in {"", _PATIENT}), _NOTHING)
        details = {one["type"]: one["valueString"] for one in used.get("detail", ())}
        return Entry(
            seq=seq,
            time=time,
            act=_act(event),
            who=_identifier(person.get("who", {})),
            role=next((str(role["text"]) for role in person.get("role", ())), ""),
            patient=_reference(patient).removeprefix("person:"),
            outcome=str(event["outcome"]),
            client=str(program.get("network", {}).get("address", "")),
            what=_what(used)[:LONGEST_WHAT],
            change=str(details.get("change") or details.get("method") or "")[:40],
            program=_identifier(program.get("who", {})),
            purpose=next(_purposes(event), ""),
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise AuditError("An event of the audit trail cannot be read.") from None


def reason_of(event: dict[str, Any]) -> str:
    """Why somebody did it, in their own words; empty where nobody said."""
    said = (one for one in event.get("entity", ()) if one.get("name") == "reason")
    return str(next(said, _NOTHING).get("description", ""))


def entry_of_line(line: bytes) -> tuple[Entry, str]:
    """Read a line of a trail for a search, with the hash of its record; nothing is checked.

    Raises:
        AuditError: it is not a record.
    """
    try:
        record = json.loads(line)
        return entry_of(record["seq"], record["time"], record["event"]), str(record["hash"])
    except (ValueError, KeyError, TypeError):
        raise AuditError("A record of the audit trail cannot be read.") from None


def _act(event: dict[str, Any]) -> str:
    codes = event.get("subtype") or [event["type"]]
    own = next((code["code"] for code in codes if code.get("system") in _OWN), None)
    return str(own or codes[-1]["code"])


def _role(entity: dict[str, Any]) -> str:
    return str(entity.get("role", {}).get("code", ""))


def _what(entity: dict[str, Any]) -> str:
    if _role(entity) == _QUERY:
        return base64.b64decode(entity["query"]).decode(errors="replace")
    return _reference(entity)


def _reference(entity: dict[str, Any]) -> str:
    what = entity.get("what", {})
    if "reference" in what:
        return str(what["reference"])
    identifier = what.get("identifier")
    if identifier is None:
        return ""
    return f"{str(identifier['system']).removeprefix('urn:caretier:')}:{identifier['value']}"


def _identifier(who: dict[str, Any]) -> str:
    return str(who.get("identifier", {}).get("value", ""))


def _purposes(event: dict[str, Any]) -> Iterator[str]:
    for purpose in event.get("purposeOfEvent", ()):
        for code in purpose.get("coding", ()):
            yield str(code["code"])
