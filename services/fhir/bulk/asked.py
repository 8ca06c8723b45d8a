"""What an export is asked for: the parameters of the kick-off, read and judged.

    read(query_pairs, level="Patient", lenient=False)      # GET …/$export?_type=Patient
    read(of_parameters(body), level="Patient", lenient=False)   # POST, FHIR Parameters

A parameter that this server does not know, or does not do, is refused; a caller that says
``Prefer: handling=lenient`` has it left out instead. Values that cannot be used are always refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Self

from services.fhir import jsontext
from services.fhir.bulk.kinds import in_records
from services.fhir.bulk.snapshot import stamp
from services.fhir.errors import FhirParameterError
from services.fhir.search.narrow import narrowing
from services.fhir.validate import ID, resource_types

Level = Literal["system", "Patient", "Group"]
"""Everything, everybody's records, or the records of a group's members."""
Pair = tuple[str, str]
FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
NOT_DONE = frozenset({"_elements", "includeAssociatedData", "organizeOutputBy"})
"""Parameters of the guide that this server does not do."""
PERMISSIONS = frozenset({"allowPartialManifests", "_format"})
"""They allow something that this server does not need."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_NEXT_FILTER = re.compile(r",(?=[A-Z][A-Za-z]{2,63}\?)")
_REMEDY = "The documentation of bulk data lists what an export takes."


@dataclass(frozen=True)
class Asked:
    """An export as it was asked for.

    Attributes:
        level: whose data.
        group: id of the Group, at that level.
        types: resource types; empty for all that the caller may have.
        filters: pairs of type and search query; a resource of such a type must match one of them.
        since: only what changed after this instant, ISO 8601 in UTC with milliseconds; or "".
        until: only what changed up to this instant; or "".
        confined: whether only some people's records are meant (`OrderPatientRow` names them).
    """

    level: Level
    group: str = ""
    types: tuple[str, ...] = ()
    filters: tuple[Pair, ...] = ()
    since: str = ""
    until: str = ""
    confined: bool = False

    def dump(self) -> str:
        """Write it as JSON."""
        return jsontext.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote."""
        held = jsontext.loads(text)
        filters = tuple((kind, query) for kind, query in held.pop("filters"))
        return cls(types=tuple(held.pop("types")), filters=filters, **held)


def read(
    pairs: Iterable[Pair], level: Level, *, group: str = "", lenient: bool = False
) -> tuple[Asked, tuple[str, ...]]:
    """Read the parameters of a kick-off; returns also the ids of the patients that it names.

    Raises:
        FhirParameterError: one is unknown, not done here, or has a value that cannot be used.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in PERMISSIONS:
            continue
        if name not in _READERS and name != "patient":
            if lenient:
                continue
            known = f"{name} is not done here" if name in NOT_DONE else "a parameter is not known"
            raise _refused(known)
        given.setdefault(name, []).append(value)
    patients = _patients(given.pop("patient", []), level)
    values: dict[str, Any] = {}
    for name, texts in given.items():
        values |= _READERS[name](texts)
    asked = Asked(level, group, confined=bool(patients) or level == "Group", **values)
    _require_types(asked, lenient=lenient)
    return asked, patients


def of_parameters(body: Any) -> list[Pair]:
    """The pairs of a FHIR Parameters resource.

    Raises:
        FhirParameterError: it is none.
    """
    if not isinstance(body, Mapping) or body.get("resourceType") != "Parameters":
        raise _refused("the body must be a Parameters resource")
    pairs = []
    for item in body.get("parameter", ()):
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(name, str):
            raise _refused("a parameter of the body has no name")
        values = [value for key, value in item.items() if key.startswith("value")]
        if len(values) != 1:
            raise _refused(f"{name} must have one value")
        pairs.append((name, _plain(name, values[0])))
    return pairs


def _plain(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("reference")
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str):
        raise _refused(f"{name} has a value that cannot be used")
    return value


def _refused(what: str) -> FhirParameterError:
    return FhirParameterError(what, remedy=_REMEDY)


def _types(texts: list[str]) -> dict[str, Any]:
    names = [name for text in texts for name in text.split(",") if name]
    if not names or not set(names) <= resource_types():
        raise _refused("_type must name resource types")
    return {"types": tuple(dict.fromkeys(names))}


def _filters(texts: list[str]) -> dict[str, Any]:
    found = []
    for text in (part for whole in texts for part in _NEXT_FILTER.split(whole)):
        kind, mark, query = text.partition("?")
        if not mark or kind not in resource_types() or not query:
            raise _refused("_typeFilter must be Type?query")
        try:
            narrowing(kind, query)
        except FhirParameterError as error:
            raise _refused(f"_typeFilter of {kind}: {error.message}") from None
        found.append((kind, query))
    return {"filters": tuple(found)}


def _format(texts: list[str]) -> dict[str, Any]:
    # a plus sign in a query stands for a space, and many clients forget that
    if {text.replace(" ", "+") for text in texts} - FORMATS:
        raise _refused("_outputFormat must be application/fhir+ndjson")
    return {}


def instant(text: str, name: str) -> str:
    """An instant of FHIR as the store writes it: in UTC, with milliseconds.

    Raises:
        FhirParameterError: it is none.
    """
    text = re.sub(r" (?=\d\d:\d\d$)", "+", text)  # the plus sign of a zone, as above
    if _INSTANT.fullmatch(text):
        try:
            return stamp(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            raise _refused(f"{name} must be an instant") from None
    raise _refused(f"{name} must be an instant")


def _once(texts: list[str], name: str) -> str:
    if len(texts) != 1:
        raise _refused(f"{name} may be given once")
    return instant(texts[0], name)


_READERS: Mapping[str, Any] = {
    "_type": _types,
    "_typeFilter": _filters,
    "_outputFormat": _format,
    "_since": lambda texts: {"since": _once(texts, "_since")},
    "_until": lambda texts: {"until": _once(texts, "_until")},
}


def _patients(texts: list[str], level: Level) -> tuple[str, ...]:
    if texts and level == "system":
        raise _refused("patient goes with the records of patients only: use /fhir/Patient/$export")
    ids = [text.removeprefix("Patient/") for text in texts]
    if not all(ID.fullmatch(id_) for id_ in ids):
        raise _refused("patient must be Patient/id")
    return tuple(dict.fromkeys(ids))


def _require_types(asked: Asked, *, lenient: bool) -> None:
    if asked.types and not {kind for kind, _ in asked.filters} <= set(asked.types):
        raise _refused("_typeFilter names a type that _type does not")
    foreign = [kind for kind in asked.types if not in_records(kind)]
    if foreign and asked.level != "system" and not lenient:
        raise _refused(f"{foreign[0]} is in nobody's record: use /fhir/$export")
