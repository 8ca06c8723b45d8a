"""Which formats are spoken: JSON of FHIR R4, by whichever of its names, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from services.fhir.errors import FhirFormatError

JSON = "application/fhir+json"
JSON_PATCH = "application/json-patch+json"
_NAMES = frozenset({JSON, "application/json", "text/json", "json"})
_ANY = frozenset({"*/*", "application/*"})
_VERSIONS = frozenset({"4.0", "4.0.1"})
_NOT_SPOKEN = "this server speaks FHIR R4 in JSON only"
_LONGEST = 2_000
"""Most characters of a header that is taken apart: the time for that grows with their square."""


def check_format(accept: str, asked: str | None) -> None:
    """Refuse what this server cannot answer with.

    Args:
        accept: the ``Accept`` header, "" where there is none.
        asked: the ``_format`` parameter, which stands above it.

    Raises:
        FhirFormatError: 406.
    """
    wanted = asked.replace(" ", "+") if asked is not None else accept  # + is a space in a query
    if len(wanted) > _LONGEST:
        raise FhirFormatError("the formats that are asked for are too long a text", 406)
    if wanted and not any(_is_spoken(range_) for range_ in _ranges(wanted)):
        raise FhirFormatError(_NOT_SPOKEN, 406)


def check_content(content_type: str, takes: str = JSON) -> None:
    """Refuse a body of another kind.

    Args:
        content_type: the ``Content-Type`` header.
        takes: what the interaction takes: JSON by any of its names, or this very type.

    Raises:
        FhirFormatError: 415.
    """
    if len(content_type) > _LONGEST:
        raise FhirFormatError("the name of the format is too long", 415)
    kind = _parsed(content_type)
    name = kind.get_content_type() if content_type else ""
    if takes == JSON_PATCH:
        if name != JSON_PATCH:
            raise FhirFormatError(f"a patch is {JSON_PATCH} (RFC 6902)", 415)
    elif name not in _NAMES or str(kind.get_param("fhirVersion", "4.0")) not in _VERSIONS:
        raise FhirFormatError(_NOT_SPOKEN, 415)
    if str(kind.get_param("charset", "utf-8")).lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise FhirFormatError("JSON of FHIR is in UTF-8", 415)


def _ranges(accept: str) -> Iterator[Message]:
    for part in accept.split(","):
        if part.strip():
            yield _parsed(part.strip())


def _is_spoken(wanted: Message) -> bool:
    name = wanted["content-type"].partition(";")[0].strip().lower()
    version = str(wanted.get_param("fhirVersion", "4.0"))
    return name in _NAMES | _ANY and _wanted(wanted) and version in _VERSIONS


def _wanted(wanted: Message) -> bool:
    """Whether the weight of a range is above zero; one that is no number counts as one."""
    try:
        return float(str(wanted.get_param("q", "1"))) > 0
    except ValueError:
        return True


def _parsed(value: str) -> Message:
    parsed = Message()
    parsed["content-type"] = value
    return parsed
