"""The rows by which a resource is found; they are written with it, and replaced with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from services.fhir.models import Base, DateRow, QuantityRow, ReferenceRow, StringRow, TokenRow
from services.fhir.references import Link, links
from services.fhir.search import rows
from services.fhir.search.extract import Node, grown, tree, values
from services.fhir.search.parameters import Parameter, parameters
from services.fhir.search.text import fit

REVISION = 2
"""Raised with every change of what is indexed: a store with an older index makes it anew."""
TEXT = ":text"
"""Ends the name under which the wordings of a token are kept among the strings."""
IDENTIFIED = "identifier|"
"""Name under which ``system|value`` of an identifier is kept whole, as references name it."""
Rows = dict[type[Base], list[dict[str, Any]]]
Found = tuple[type[Base], str, tuple[Any, ...]]
"""Table, parameter, and the columns in which its rows differ."""

_COLUMNS: Mapping[type[Base], tuple[str, ...]] = {
    TokenRow: ("code", "system"),
    StringRow: ("value", "exact"),
    DateRow: ("low", "high"),
    QuantityRow: ("low", "high", "system", "code", "unit"),
}


def index_rows(resource: Mapping[str, Any], base: str = "") -> Rows:
    """Return the rows of each table for ``resource``; "" stands for no value.

    Args:
        resource: as Python values.
        base: of this server (see `services.fhir.references.links`).
    """
    kind = resource["resourceType"]
    source = {"source_type": kind, "source_id": resource["id"]}
    found: Rows = {ReferenceRow: list(_references(links(resource, base), source))}
    for table, name, columns in dict.fromkeys(_found(resource, kind)):
        row = {**source, "parameter": name, **zip_columns(table, columns)}
        found.setdefault(table, []).append(row)
    return found


def zip_columns(table: type[Base], columns: tuple[Any, ...]) -> dict[str, Any]:
    """Name the columns of one row."""
    return dict(zip(_COLUMNS[table], columns, strict=True))


def _references(found: Iterable[Link], source: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    rows_by_key = {
        (
            link.path[:200],
            link.target_type,
            link.target_id or "",
            fit(link.identifier or ""),
        ): link.compartment
        for link in found
    }
    for (path, target_type, target_id, identifier), compartment in rows_by_key.items():
        yield {
            **source,
            "path": path,
            "target_type": target_type,
            "target_id": target_id,
            "identifier": identifier,
            "compartment": int(compartment),
        }


def _found(resource: Mapping[str, Any], kind: str) -> Iterator[Found]:
    for parameter, value in values(resource, tree(kind)):
        yield from _MAKE[parameter.kind](parameter.name, value, parameter)
    for composite, group, first, second in _grouped(kind):
        for _, repetition in values(resource, group):
            yield from _pairs(repetition, composite, first, second)


def _tokens(name: str, value: Any, parameter: Parameter) -> Iterator[Found]:
    for code in rows.codes(value, parameter.system):
        yield TokenRow, name, code
        if name == "identifier":
            yield TokenRow, IDENTIFIED, (fit(f"{code[1]}|{code[0]}"), "")
    for text in rows.wordings(value):
        if (string := rows.string(text)) is not None:
            yield StringRow, name + TEXT, string


def _uris(name: str, value: Any, _parameter: Parameter) -> Iterator[Found]:
    if isinstance(value, str):
        yield TokenRow, name, (fit(value), "")


def _strings(name: str, value: Any, _parameter: Parameter) -> Iterator[Found]:
    for text in rows.strings(value):
        if (string := rows.string(text)) is not None:
            yield StringRow, name, string


def _dates(name: str, value: Any, _parameter: Parameter) -> Iterator[Found]:
    for span in rows.spans(value):
        yield DateRow, name, span


def _quantities(name: str, value: Any, _parameter: Parameter) -> Iterator[Found]:
    for amount in rows.amounts(value):
        yield QuantityRow, name, amount


_MAKE: Mapping[str, Callable[[str, Any, Parameter], Iterator[Found]]] = {
    "token": _tokens,
    "uri": _uris,
    "canonical": _uris,
    "string": _strings,
    "date": _dates,
    "quantity": _quantities,
    "number": _quantities,
}


def paired(composite: str, code: str, system: str | None) -> str:
    """Name under which the second part of a composite is kept, for one code of the first part.

    Args:
        composite: the parameter.
        code: of the first part.
        system: of the code, None where any system will do.
    """
    key = code if system is None else f"{system}|{code}"
    return f"{composite}${sha256(key.encode()).hexdigest()[:24]}"


@lru_cache(maxsize=300)
def _grouped(kind: str) -> tuple[tuple[Parameter, Node, Node, Node], ...]:
    """Composites of a type whose parts are in one repetition, with the trees of their paths."""
    return tuple(
        (p, grown(p.group), grown(p.parts[0]), grown(p.parts[1]))
        for p in parameters(kind).values()
        if p.group
    )


def _pairs(repetition: Any, composite: Parameter, first: Node, second: Node) -> Iterator[Found]:
    if not isinstance(repetition, Mapping):
        return
    make = _quantities if composite.parts[1].endswith("Quantity") else _tokens
    for _, concept in values(repetition, first):
        for code, system in rows.codes(concept, ""):
            for _, value in values(repetition, second):
                for asked in (None, system):
                    yield from make(paired(composite.name, code, asked), value, composite)
