"""The FHIR data types that identify someone: HumanName, ContactPoint, Address, Identifier."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import regex

from compliance.deidentify.normalise import fold
from compliance.deidentify.vocabulary import word_set

_TELECOM = {
    "phone": "PHONE_NUMBER",
    "fax": "PHONE_NUMBER",
    "sms": "PHONE_NUMBER",
    "pager": "PHONE_NUMBER",
    "email": "EMAIL_ADDRESS",
    "url": "URL",
    "other": "UNIQUE_CODE",
}
_IDENTIFIER_TYPES = {
    "MR": "MEDICAL_RECORD_NUMBER",
    "SS": "US_SSN",
    "DL": "LICENSE_NUMBER",
    "PPN": "LICENSE_NUMBER",
    "MB": "HEALTH_PLAN_NUMBER",
    "SN": "HEALTH_PLAN_NUMBER",
    "AN": "ACCOUNT_NUMBER",
    "SNO": "DEVICE_ID",
    "UDI": "DEVICE_ID",
}
_WORD = regex.compile(r"[\p{L}\p{M}\d]+(?:['’][\p{L}\p{M}\d]+)*")  # noqa: RUF001 - an apostrophe people type
_BEFORE = word_set("mr mrs ms miss dr dra prof sr sra srta don dona")
_AFTER = word_set("jr sr ii iii iv md do rn np pa phd dds esq")
_LINKS = word_set("de la del los las y e")
_PARTICLES = _LINKS | word_set("van von der den")
_AS_ONE = str.maketrans("ÞþÆæŒœßẞ", "PpAaOosS")
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "ñ": "nn"})
INSTITUTIONS = word_set(
    "hospital hospitals clinic clinics clinica centro center centre health healthcare medical "
    "medicine associates group services pharmacy laboratory laboratories lab institute insurance "
    "physicians radiology imaging department unit ward inc llc ltd pc pllc university"
)


@dataclass(frozen=True, slots=True)
class KnownName:
    """A person's name: folded words of given and family name, whose it is."""

    role: str
    identity: str
    given: tuple[str, ...]
    family: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownValue:
    """Any other identifier: its entity type, whose it is, and the value as in the record."""

    type: str
    identity: str
    value: str


Known = KnownName | KnownValue


def items(value: Any) -> list[Any]:
    """``value`` as a list: FHIR elements are one or many."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def name(node: Any, role: str, identity: str) -> Iterator[Known]:
    """A HumanName, or a name in one string (the last word is then the family's)."""
    if role == "ORGANIZATION":
        text = node.get("text") if isinstance(node, Mapping) else node
        if isinstance(text, str) and text.strip():
            yield KnownValue("ORGANIZATION", identity, text)
        return
    for spelt in (node, *(_respelt(node, spell) for spell in _SPELLINGS)):
        if isinstance(spelt, str):
            yield from _whole_name(role, identity, spelt)
        elif isinstance(spelt, Mapping):
            given = [w for part in items(spelt.get("given")) for w in words(part, _LINKS)]
            family = words(spelt.get("family"))
            yield from _made(role, identity, given, family)
            whole = _with_particles(spelt.get("family"))
            yield from _made(role, identity, given if whole else [], whole)
            text = words(spelt.get("text"))
            if text and set(text) - set(given) - set(family):
                yield from _whole_name(role, identity, spelt["text"])


def _respelt(node: Any, spell: Callable[[str], str]) -> Any:
    """The same name in another spelling, or None when that is no other."""
    if isinstance(node, str):
        spelt = spell(node)
        return None if spelt == node else spelt
    if isinstance(node, list):
        each = [_respelt(part, spell) for part in node]
        return [new or old for new, old in zip(each, node, strict=True)] if any(each) else None
    if not isinstance(node, Mapping):
        return None
    parts = {key: _respelt(node.get(key), spell) for key in ("given", "family", "text")}
    if not any(parts.values()):
        return None
    return {key: new or node.get(key) for key, new in parts.items()}


def _written_out(text: str) -> str:
    """Umlauts as two letters ("Mueller")."""
    composed = unicodedata.normalize("NFC", text).casefold()
    spelt = composed.translate(_WRITTEN_OUT)
    return text if spelt == composed else spelt


def one_letter(text: str) -> str:
    """Letters that fold to two as one, so that a slip beside them is still one ("Pordis")."""
    return text.translate(_AS_ONE)


def _in_case(case: Callable[[str], str], text: str) -> str:
    """Greek and Cyrillic in another case: there letters look like Latin ones in one case only."""
    return case(text) if _TWO_FACED.search(text) else text


_TWO_FACED = regex.compile(r"[\p{Greek}\p{Cyrillic}]")
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    _written_out,
    one_letter,
    *(partial(_in_case, case) for case in (str.upper, str.lower, str.title)),
)


def _whole_name(role: str, identity: str, text: str) -> Iterator[Known]:
    """A name in one string ("Ann Lee", "Lee, Ann", "Ann Lee, MD").

    Without a comma the last word is the family's; of three words or more, also all but the first.
    """
    head, _, tail = text.partition(",")
    if not set(words(tail)) <= _AFTER:
        yield from _made(role, identity, words(tail), words(head))
        return
    found = words(head)
    yield from _made(role, identity, found[:-1], found[-1:])
    if len(found) > 2:  # noqa: PLR2004 - a third word can be the family's too
        yield from _made(role, identity, found[:1], found[1:])


def _with_particles(family: Any) -> list[str]:
    """A family name run together with its particles ("delatour")."""
    whole = words(family, frozenset())
    return ["".join(whole)] if len(whole) > len(words(family)) else []


def _made(role: str, identity: str, given: list[str], family: list[str]) -> Iterator[Known]:
    """A KnownName unless it is empty."""
    if given or family:
        yield KnownName(role, identity, tuple(given), tuple(family))


def words(text: Any, particles: frozenset[str] = _PARTICLES) -> list[str]:
    """Folded words of a name, without titles and ``particles``; apostrophes are dropped.

    A name that consists of nothing else ("Do", "Van") keeps its words.
    """
    if not isinstance(text, str):
        return []
    found = [word for word in (key(w).replace("'", "") for w in _WORD.findall(text)) if word]
    while len(found) > 1 and found[0] in _BEFORE:
        found = found[1:]
    while len(found) > 1 and found[-1] in _AFTER - {"do"}:
        found = found[:-1]
    return [word for word in found[:-1] if word not in particles] + found[-1:]


def key(text: str) -> str:
    """What names are compared by: folded, without marks, look-alike letters as Latin ones.

    Folding twice reaches look-alikes that carried an accent.
    """
    if text.isascii():
        return text.lower()
    return regex.sub(r"\p{M}", "", fold(fold(text)))


def telecom(node: Any, identity: str) -> Iterator[Known]:
    """A ContactPoint."""
    if isinstance(node, Mapping) and isinstance(node.get("value"), str):
        kind = _TELECOM.get(str(node.get("system", "other")), "UNIQUE_CODE")
        yield KnownValue(kind, identity, node["value"])


def address(node: Any, identity: str) -> Iterator[Known]:
    """An Address: lines, town, district, postal code, and its text line by line."""
    if not isinstance(node, Mapping):
        return
    for line in (*items(node.get("line")), *str(node.get("text") or "").splitlines()):
        if isinstance(line, str) and line.strip():
            yield KnownValue("ADDRESS", identity, line)
    for key, kind in (("city", "LOCATION"), ("district", "LOCATION"), ("postalCode", "ZIP")):
        if isinstance(node.get(key), str):
            yield KnownValue(kind, identity, node[key])


def identifier(node: Any, identity: str, default: str = "UNIQUE_CODE") -> Iterator[Known]:
    """An Identifier, typed by its v2-0203 code."""
    if isinstance(node, Mapping) and isinstance(node.get("value"), str):
        kind = node.get("type")
        codings = items(kind.get("coding")) if isinstance(kind, Mapping) else []
        codes = [str(c.get("code")) for c in codings if isinstance(c, Mapping)]
        types = [_IDENTIFIER_TYPES[code] for code in codes if code in _IDENTIFIER_TYPES]
        value = regex.sub(r"^urn:(?:uuid|oid):", "", node["value"])
        yield KnownValue(types[0] if types else default, identity, value)


def identity_of(role: str, node: Mapping[str, Any], default: str = "") -> str:
    """A name for whose identifier it is, the same for a resource and a reference to it."""
    for entry in items(node.get("name")):
        if isinstance(entry, str):
            found = words(entry)
        elif isinstance(entry, Mapping):
            given = [w for part in items(entry.get("given")) for w in words(part, _LINKS)]
            found = given + words(entry.get("family")) or words(entry.get("text"))
        else:
            continue
        if found:
            return f"{role}:{' '.join(found)}"
    return f"{role}:{default or node.get('id') or 'unnamed'}"
