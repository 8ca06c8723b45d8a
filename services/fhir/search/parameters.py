"""What each resource type can be searched by, read from ``parameters.yaml``.

Types that are not in the file (a store takes all of R4) can still be searched by the elements that
most types share; those are found in the typed views.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from fhir.resources.R4B import get_fhir_model_class

from compliance.yamltext import read_yaml
from services.fhir.errors import FhirParameterError

Kind = Literal[
    "token", "reference", "canonical", "date", "string", "quantity", "number", "uri", "composite"
]
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "date": ("DateTime", "Date", "Instant", "Period", "Timing"),
}
"""Types of a choice element that a kind understands."""
_SHARED: Mapping[str, Kind] = {
    "identifier": "token",
    "code": "token",
    "category": "token",
    "status": "token",
    "patient": "reference",
    "subject": "reference",
    "date": "date",
}
"""Elements by which a type is searched that the file does not describe."""


@dataclass(frozen=True)
class Parameter:
    """One search parameter of one type.

    Attributes:
        name: as in a request.
        kind: how values are written and compared.
        paths: elements that are indexed.
        target: the one type that a reference must point at, "" for any.
        system: code system of elements of type ``code``, "" if unknown.
        any_of: other parameters of the type that this one stands for.
        parts: of a composite: two parameters, or two paths below ``group``.
        group: repeating element in which both parts of a composite must be.
    """

    name: str
    kind: Kind
    paths: tuple[str, ...] = ()
    target: str = ""
    system: str = ""
    any_of: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    group: str = ""


@lru_cache(maxsize=1)
def _described() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = resources.files("services.fhir.search").joinpath("parameters.yaml").read_text("utf-8")
    return typing.cast("Mapping[str, Mapping[str, Mapping[str, str]]]", read_yaml(text))


@lru_cache(maxsize=1)
def described_types() -> frozenset[str]:
    """Types whose parameters stand in the file."""
    return frozenset(_described()) - {"Resource"}


@lru_cache(maxsize=300)
def parameters(kind: str) -> Mapping[str, Parameter]:
    """Return the parameters of a resource type by name, those of every type included."""
    own = _described().get(kind)
    found = dict(_read(_described()["Resource"]))
    found["_id"] = Parameter("_id", "token")
    found["_lastUpdated"] = Parameter("_lastUpdated", "date")
    found.update(_read(own) if own is not None else _shared(kind))
    return dict(sorted(found.items()))


def parameter(kind: str, name: str) -> Parameter:
    """Return one parameter.

    Raises:
        FhirParameterError: the type has none of that name.
    """
    found = parameters(kind).get(name)
    if found is None:
        raise FhirParameterError(f"{kind} cannot be searched by that parameter")
    return found


def _read(sections: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, Parameter]]:
    for kind, named in sections.items():
        for name, text in named.items():
            yield name, _one(name, typing.cast("Kind", kind), text)


def _one(name: str, kind: Kind, text: str) -> Parameter:
    if text.startswith("="):
        return Parameter(name, kind, any_of=tuple(text[1:].split()))
    if kind == "composite":
        group, _, parts = text.rpartition(":")
        return Parameter(name, kind, parts=tuple(parts.split()), group=group)
    text, _, system = text.partition(" @ ")
    text, _, target = text.partition(" -> ")
    paths = tuple(path for one in text.split() for path in _spread(one, kind))
    return Parameter(name, kind, paths, target.strip(), system.strip())


def _spread(path: str, kind: str) -> Iterator[str]:
    if path.endswith("[x]"):
        yield from (path[:-3] + suffix for suffix in _CHOICES[kind])
    else:
        yield path


def _shared(kind: str) -> Iterator[tuple[str, Parameter]]:
    fields = {f.alias or n: f for n, f in get_fhir_model_class(kind).model_fields.items()}
    for name, how in _SHARED.items():
        if name not in fields:
            continue
        what = str(fields[name].annotation)
        fits = "Reference" in what if how == "reference" else "Reference" not in what
        if fits and (how != "date" or "datetime." in what):
            yield name, Parameter(name, how, (name,))
    about = set(targets(kind, "subject")) if "subject" in fields else set()
    if "patient" not in fields and about & {"Patient", "Resource"}:
        yield "patient", Parameter("patient", "reference", ("subject",), "Patient")


@lru_cache(maxsize=2_000)
def targets(kind: str, path: str) -> tuple[str, ...]:
    """Types that the reference at ``path`` of a resource type may point at; () if unknown."""
    model: Any = get_fhir_model_class(kind)
    *parents, last = path.split(".")
    for name in parents:
        field = _field(model, name)
        children = [k for k in _leaves(field.annotation) if hasattr(k, "get_model_klass")]
        if not children:
            return ()
        model = children[0].get_model_klass()
    field = _field(model, last)
    extra = (getattr(field, "json_schema_extra", None) or {}) if field is not None else {}
    return tuple(extra.get("enum_reference_types", ()))


def _field(model: Any, name: str) -> Any:
    return next((f for n, f in model.model_fields.items() if (f.alias or n) == name), None)


def _leaves(annotation: Any) -> Iterator[Any]:
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        arguments = arguments[:1]
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _leaves(argument)
