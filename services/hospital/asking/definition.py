"""What ``$ask`` takes and gives, as the OperationDefinition that the capability statement names."""

from __future__ import annotations

from typing import Any

URL = "urn:caretier:operation:ask"
_IN = (
    ("question", "string", 1, "What is asked, in the person's or the clinician's own words."),
    ("language", "code", 0, "en or es; found in the words where it is left out."),
    ("encounter", "Reference", 0, "The encounter that it is asked in; one of this patient."),
)
_OUT = (
    ("triage", None, "1", "How urgent it is (level), and what to do now (advice); comes first."),
    ("outcome", "code", "1", "answered, abstained or emergency."),
    ("reason", "code", "1", "Why nothing is answered."),
    ("text", "string", "1", "Everything that is said, as one text."),
    ("sentence", None, "*", "One sentence (text) with its citations and resources (source)."),
    ("more", None, "*", "What the same sources say besides; not with return=minimal."),
    ("citation", None, "*", "A source by id: passage with url and quote, or resource (source)."),
    ("confidence", "decimal", "1", "From 0 to 1."),
    ("model", None, "1", "Name and digest of what chose or wrote the words."),
    ("encounter", "Reference", "1", "As it was given."),
    ("consult", "string", "1", "Id under which the question stands in the audit trail."),
    (
        "issues",
        "OperationOutcome",
        "1",
        "That no source answers, where it abstains; warnings may stand.",
    ),
)
_SAID = (("text", "string", "1"), ("citation", "string", "*"), ("source", "Reference", "*"))
_PARTS = {
    "triage": (
        ("level", "code", "1"),
        ("advice", "string", "1"),
        ("rule", "string", "1"),
        ("source", "string", "1"),
    ),
    "sentence": _SAID,
    "more": _SAID,
    "citation": (
        ("id", "string", "1"),
        ("source", "Reference", "1"),
        ("title", "string", "1"),
        ("publisher", "string", "1"),
        ("date", "string", "1"),
        ("quote", "string", "1"),
        ("url", "url", "1"),
    ),
    "model": (("name", "string", "1"), ("digest", "string", "1")),
}
"""Name, type and greatest number of the parts of a parameter."""


def operation_definition() -> dict[str, Any]:
    """The definition as a resource."""
    return {
        "resourceType": "OperationDefinition",
        "id": "ask",
        "url": URL,
        "name": "Ask",
        "title": "Ask about one patient",
        "status": "active",
        "kind": "operation",
        "date": "2026-11-26",
        "description": (
            "Puts a question to one person's record and to cited sources. Needs the scope word"
            " `ask` and the whole record. Without a source nothing is stated. Sentences speak to"
            " the person whose record it is: `your record`."
        ),
        "affectsState": False,
        "code": "ask",
        "resource": ["Patient"],
        "system": False,
        "type": False,
        "instance": True,
        "parameter": [
            *(_parameter(name, "in", kind, least, "1", told) for name, kind, least, told in _IN),
            *(_parameter(name, "out", kind, 0, most, told) for name, kind, most, told in _OUT),
        ],
    }


def _parameter(  # noqa: PLR0917 - the elements of one parameter
    name: str, use: str, kind: str | None, least: int, most: str, told: str
) -> dict[str, Any]:
    made = {"name": name, "use": use, "min": least, "max": most, "documentation": told}
    if kind is not None:
        return made | {"type": kind}
    parts = [
        {"name": part, "use": use, "min": 0, "max": often, "type": type_}
        for part, type_, often in _PARTS[name]
    ]
    return made | {"part": parts}
