"""Read a FHIR file that a person imports: Bundle, resource, array or NDJSON."""

from __future__ import annotations

import json
from typing import Any

from compliance.errors import BadInputError
from services.fhir.errors import FhirInvalidError
from services.fhir.validate import check

MAX_RESOURCES = 50_000


def parse_record(data: bytes) -> list[dict[str, Any]]:
    """Return the resources of a file, each valid R4.

    Raises:
        BadInputError: it is not FHIR JSON; the sentence says where it breaks.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInputError("The file is not text.") from None
    resources = _resources(text)
    try:  # JSON may write half a character as an escape; nothing could encode it afterwards
        json.dumps(resources, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise BadInputError("The file holds text that cannot be written.") from None
    if len(resources) > MAX_RESOURCES:
        raise BadInputError(f"A record has at most {MAX_RESOURCES} resources.")
    for number, resource in enumerate(resources, 1):
        try:
            check(resource)
        except FhirInvalidError as error:
            raise BadInputError(f"Resource {number} is not valid R4: {error.message}") from error
    return resources


def _resources(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # not JSON, nested too deep, or a number without end
        return [_object(line, n) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(found, dict) and found.get("resourceType") == "Bundle":
        entries = found.get("entry") or []
        if not isinstance(entries, list):
            raise BadInputError("The Bundle's entry is not a list.")
        found = [e.get("resource") for e in entries if isinstance(e, dict)]
    given = found if isinstance(found, list) else [found]
    if not all(isinstance(r, dict) for r in given):
        raise BadInputError("The file holds something other than FHIR resources.")
    return given


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise BadInputError(f"Line {number} is not JSON.") from None
    if not isinstance(found, dict):
        raise BadInputError(f"Line {number} is not a FHIR resource.")
    return found
