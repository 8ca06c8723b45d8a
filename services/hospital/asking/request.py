"""What ``$ask`` is given: Parameters with a question, and how the answer is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

from services.consult.messages import MAX_QUESTION_CHARS
from services.fhir import jsontext
from services.fhir.errors import Fault, FhirInvalidError

MAX_BODY = 64 * 1024
"""Longest body, in bytes."""
_ENCOUNTER = re.compile(r"Encounter/[A-Za-z0-9\-.]{1,64}")
_VALUES = {"question": "valueString", "language": "valueCode", "encounter": "valueReference"}


@dataclass(frozen=True)
class Asked:
    """A question put to the record.

    Attributes:
        question: its words.
        language: ``en`` or ``es``; None where it is to be found in the words.
        encounter: reference of the encounter that it is asked in, if one is named.
        consult: id under which it is written down.
    """

    question: str
    language: str | None = None
    encounter: str | None = None
    consult: str = field(default_factory=lambda: str(uuid4()))


@dataclass(frozen=True)
class Wish:
    """The ``Prefer`` header: what of it has a meaning here.

    Attributes:
        lenient: parameters that are not known are left alone.
        minimal: without what the sources say besides.
    """

    lenient: bool = False
    minimal: bool = False

    @classmethod
    def read(cls, header: str) -> Wish:
        """Read the header; what is not understood is left alone, as RFC 7240 has it."""
        wanted = {part.strip().lower() for part in re.split("[,;]", header)}
        return cls("handling=lenient" in wanted, "return=minimal" in wanted)

    @property
    def applied(self) -> dict[str, str]:
        """The header that says what was followed."""
        said = [*(["handling=lenient"] if self.lenient else [])]
        said += ["return=minimal"] if self.minimal else []
        return {"Preference-Applied": ", ".join(said)} if said else {}


def read_asked(body: bytes, wish: Wish) -> Asked:
    """Read the Parameters of a call.

    Raises:
        FhirInvalidError: it is none, lacks the question, or has what is not known here.
    """
    found: dict[str, Any] = {}
    for number, part in enumerate(_parts(body)):
        where = f"Parameters.parameter[{number}]"
        name = part.get("name") if isinstance(part, Mapping) else None
        if name not in _VALUES:
            if not wish.lenient:
                raise _fault(f"{where}.name", "is one of question, language, encounter")
            continue
        value = part.get(_VALUES[name])
        if name in found or value is None or set(part) != {"name", _VALUES[name]}:
            raise _fault(where, f"is given once, as {_VALUES[name]}")
        found[name] = value
    return Asked(
        _question(found.get("question")),
        _language(found.get("language")),
        _encounter(found.get("encounter")),
    )


def _parts(body: bytes) -> list[Any]:
    try:
        value = jsontext.loads(body.decode("utf-8")) if len(body) <= MAX_BODY else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, Mapping) or value.get("resourceType") != "Parameters":
        raise _fault("Parameters", f"must be JSON of at most {MAX_BODY} bytes")
    parts = value.get("parameter", [])
    if not isinstance(parts, list):
        raise _fault("Parameters.parameter", "must be an array")
    return parts


def _question(value: Any) -> str:
    good = isinstance(value, str) and value.strip() and len(value) <= MAX_QUESTION_CHARS
    if not good:
        raise _fault(
            "Parameters.parameter:question", f"is required: 1 to {MAX_QUESTION_CHARS} characters"
        )
    text = cast("str", value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _fault("Parameters.parameter:question", "holds half a character") from None
    return text


def _language(value: Any) -> str | None:
    if value is None:
        return None
    chosen = value.partition("-")[0].lower() if isinstance(value, str) else ""
    if chosen not in {"en", "es"}:
        raise _fault("Parameters.parameter:language", "is en or es")
    return str(chosen)


def _encounter(value: Any) -> str | None:
    if value is None:
        return None
    reference = value.get("reference") if isinstance(value, Mapping) else None
    if not isinstance(reference, str) or not _ENCOUNTER.fullmatch(reference):
        raise _fault("Parameters.parameter:encounter", "is a reference Encounter/id")
    return reference


def _fault(element: str, rule: str) -> FhirInvalidError:
    return FhirInvalidError((Fault(element, rule),))
