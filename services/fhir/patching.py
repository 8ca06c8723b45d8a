"""JSON Patch (RFC 6902) on the text of a resource, to the digit.

change = patched(b'[{"op": "replace", "path": "/status", "value": "final"}]')
change('{"resourceType":"Observation",…}')      # a checked resource, or an error
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jsonpatch import (
    JsonPatch,
    JsonPatchException,
    JsonPatchTestFailed,
    JsonPointer,
    JsonPointerException,
)

from services.fhir import jsontext
from services.fhir._prepare import Prepared, prepare
from services.fhir.errors import Fault, FhirInvalidError, FhirRequestError

MAX_OPERATIONS = 500
"""Most operations of one patch."""
MAX_CHARS = 4 << 20
"""Most characters that the copies of one patch may copy: each could double the resource."""


def patched(patch: bytes, base: str = "") -> Callable[[str], Prepared]:
    """Read a patch; return what makes the next text of a resource from the present one.

    Args:
        patch: the body.
        base: absolute URL of this server.

    Raises:
        FhirRequestError: it is no JSON Patch. What is returned raises it where the patch would
            change type or id, and FhirInvalidError where it does not fit the resource, a test
            fails, or the result is no resource of R4.
    """
    operations = _operations(patch)

    def change(text: str) -> Prepared:
        before = jsontext.loads_exact(text)
        after = _apply(operations, jsontext.loads_exact(text))
        if not isinstance(after, dict):
            raise FhirRequestError("a patch must leave a resource")
        if after == before:
            return prepare(text, base=base)  # as it stands, spaces included
        return prepare(jsontext.dumps(after), at=(before["resourceType"], before["id"]), base=base)

    return change


def _operations(patch: bytes) -> list[JsonPatch]:
    try:
        listed = jsontext.loads_strict(patch, exact=True)
        if not isinstance(listed, list) or not 0 < len(listed) <= MAX_OPERATIONS:
            raise FhirRequestError(f"a patch is an array of 1 to {MAX_OPERATIONS} operations")
        return [JsonPatch([_whole(operation)]) for operation in listed]
    except jsontext.JsonError as error:
        raise FhirRequestError(f"the patch {error}") from None
    except (JsonPatchException, JsonPointerException, TypeError, KeyError):
        raise FhirRequestError("the patch holds what is no operation of RFC 6902") from None


def _whole(operation: Any) -> Any:
    """Refuse what the library lets pass: an operation without its value."""
    if operation["op"] in {"add", "replace", "test"} and "value" not in operation:
        raise KeyError("value")
    return operation


def _apply(operations: list[JsonPatch], value: Any) -> Any:
    copied = 0
    for number, operation in enumerate(operations):
        where = f"patch[{number}]"
        try:
            _require_equal(operation.patch[0], value)
            copied += _copied(operation.patch[0], value)
            if copied > MAX_CHARS:
                raise FhirInvalidError((Fault(where, "makes the resource too large"),))
            value = operation.apply(value, in_place=True)
        except JsonPatchTestFailed:
            raise FhirInvalidError((Fault(where, "its test does not hold"),)) from None
        except (JsonPatchException, JsonPointerException, TypeError, LookupError, ValueError):
            raise FhirInvalidError((Fault(where, "does not fit the resource"),)) from None
    return value


def _copied(operation: Mapping[str, Any], value: Any) -> int:
    """How many characters an operation copies; what it copies alone is measured, not the whole."""
    if operation["op"] != "copy":
        return 0
    return len(jsontext.dumps(JsonPointer(operation["from"]).resolve(value)))


def _require_equal(operation: Mapping[str, Any], value: Any) -> None:
    """Refuse a test that holds in Python only, where 1 is True."""
    if operation["op"] == "test":
        found = JsonPointer(operation["path"]).resolve(value, None)
        if not _is_same(found, operation["value"]):
            raise JsonPatchTestFailed


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and one == other
