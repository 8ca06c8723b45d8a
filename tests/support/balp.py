"""What the profiles of IHE BALP 1.1.4 ask of an AuditEvent, as far as this project claims them.

assert flaws(event) == []
"""

from __future__ import annotations

from typing import Any

PREFIX = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
REST = "rest"
AUTHORS = {"AUT", "INF", "CST"}

# profile: type, subtypes of which one is needed, action, codes of the two ends, user, data entity
PROFILES: dict[str, tuple[str, set[str], str, tuple[str, str], set[str], str]] = {
    "Read": (REST, {"read", "vread"}, "R", ("110152", "110153"), {"IRCP"}, "data"),
    "Query": (
        REST,
        {"search", "search-type", "search-system", "operation"},
        "E",
        ("110153", "110152"),
        {"IRCP"},
        "query",
    ),
    "Create": (REST, {"create"}, "C", ("110153", "110152"), AUTHORS, "data"),
    "Update": (REST, {"update", "patch"}, "U", ("110153", "110152"), AUTHORS, "data"),
    "Delete": (REST, {"delete"}, "D", ("110150", "custodian"), AUTHORS, "data"),
    "PrivacyDisclosure.Source": ("110106", {"disclose"}, "R", ("110153", "110152"), set(), "any"),
    "PrivacyDisclosure.Recipient": (
        "110107",
        {"disclose"},
        "C",
        ("110153", "110152"),
        set(),
        "any",
    ),
}


def flaws(event: dict[str, Any]) -> list[str]:
    """What is missing for the profile that the event claims; an event without a claim has none."""
    claimed = [p.removeprefix(PREFIX) for p in event.get("meta", {}).get("profile", [])]
    return [flaw for profile in claimed for flaw in _flaws(event, profile)]


def _flaws(event: dict[str, Any], profile: str) -> list[str]:
    name = profile.removeprefix("Patient")
    kind, subtypes, action, ends, users, data = PROFILES[name]
    found = []
    if event["type"]["code"] != kind or event["action"] != action or event["outcome"] != "0":
        found.append("type, action or outcome")
    own = {s["code"] for s in event["subtype"]}
    if not own & subtypes or (name == "Delete" and len(own) != 1):
        found.append("subtype")
    for end in ends:
        agents = [a for a in event["agent"] if end in _codes(a)]
        if len(agents) != 1 or not agents[0].get("network") or not agents[0]["who"]:
            found.append(f"agent {end}")
    people = [a for a in event["agent"] if a["requestor"]]
    if users and any(not _codes(p) & users or "network" in p for p in people):
        found.append("user")
    found += _entity_flaws(event, profile, data)
    if name.startswith("Privacy"):
        mine = ends[0] if name.endswith("Source") else ends[1]
        agent = next(a for a in event["agent"] if mine in _codes(a))
        if agent["who"] != event["source"]["observer"]:
            found.append("val-audit-source")
    return found


def _entity_flaws(event: dict[str, Any], profile: str, data: str) -> list[str]:
    found = []
    patients = [e for e in event["entity"] if e.get("type", {}).get("code") == "1"]
    if profile.startswith(("Patient", "Privacy")):
        good = [p for p in patients if p["role"]["code"] == "1" and p["what"]["type"] == "Patient"]
        if len(good) != 1:
            found.append("patient")
    objects = [e for e in event["entity"] if e.get("type", {}).get("code") == "2"]
    if data != "any" and len(objects) != 1:
        return [*found, "data"]
    if data == "query" and (
        objects[0]["role"]["code"] != "24" or not objects[0]["query"] or "what" in objects[0]
    ):
        found.append("query")
    if data == "data" and (
        objects[0]["role"]["code"] not in {"3", "4", "20"} or "what" not in objects[0]
    ):
        found.append("data")
    if profile.startswith("Privacy") and len(event["entity"]) < 2:
        found.append("entity")
    return found


def _codes(agent: dict[str, Any]) -> set[str]:
    return {c["code"] for c in agent["type"].get("coding", [])}
