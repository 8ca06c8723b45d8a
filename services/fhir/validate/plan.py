"""What a node of a given type may hold, compiled once from the fields of the typed views.

    plan_of("Patient").elements["gender"]   # Element(key="gender", codes={"male", …})

``fhir.resources.R4B`` knows names, types, cardinality, choices, targets and most codes;
``data/r4.yaml`` and ``data/required_bindings.yaml`` say where R4 is narrower.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from services.fhir.validate.catalogue import table, type_names
from services.fhir.validate.primitives import CHECKS, Check
from services.fhir.validate.rules import RULES
from services.fhir.validate.rules.datatypes import ABSOLUTE, SIMPLE, coded
from services.fhir.validate.rules.forms import Rule

_NOT_IN_R4 = frozenset({"fhir_comments", "resource_type"})
_BARE = frozenset({"Extension.url"})
"""Elements that are attributes in XML, and so have no extensions; every ``id`` is one too."""
_FORMS = {
    "Attachment.contentType": "MIME type",
    "Binary.contentType": "MIME type",
    "Money.currency": "currency",
    "Signature.sigFormat": "MIME type",
    "Signature.targetFormat": "MIME type",
}
"""Codes of required bindings whose lists are open, by what is checked of them."""
_ANY = frozenset({"Any", "Resource"})
_PRIMITIVES = {name.lower(): name for name in CHECKS} | {"uuidversion": "uuid"}


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a node.

    Attributes:
        key: JSON name; "_birthDate" is the sibling with the extensions of "birthDate".
        many: whether it is an array.
        primitive: name of its primitive type, None for an object.
        check: check of the primitive type, None for an object.
        child: name of the plan of the object, "Resource" for any resource.
        codes: the codes that R4 allows, None where the list is open.
        targets: resource types that a reference may point at, None for all.
        choice: "value" for "valueQuantity", None where there is no choice of types.
        here: a rule that an object must keep because of where it stands.
    """

    key: str
    many: bool
    primitive: str | None
    check: Check | None
    child: str
    codes: frozenset[str] | None
    targets: frozenset[str] | None
    choice: str | None
    here: Rule | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The elements of a type, those of which one is required, and the invariants of R4."""

    name: str
    elements: Mapping[str, Element]
    required: tuple[str, ...]
    choices: tuple[str, ...]
    rules: tuple[Rule, ...]


@lru_cache(maxsize=2_000)
def plan_of(name: str) -> Plan:
    """Return the plan of resource type or data type ``name``."""
    model = get_fhir_model_class(name)
    newer = table("r4")["newer_elements"]
    elements: dict[str, Element] = {}
    required: list[str] = []
    choices: dict[str, None] = {}
    for field_name, field in model.model_fields.items():
        key = field.alias or field_name
        if key[0] == "_" or key in _NOT_IN_R4 or f"{name}.{key}" in newer:
            continue
        extra = typing.cast("Mapping[str, Any]", field.json_schema_extra or {})
        elements[key] = _element(name, key, field.annotation, extra)
        if field.is_required() or extra.get("element_required"):
            required.append(key)
        if extra.get("one_of_many_required"):
            choices[extra["one_of_many"]] = None
    for element in tuple(elements.values()):
        if element.primitive and f"{name}.{element.key}" not in _BARE and element.key != "id":
            elements[f"_{element.key}"] = _sibling(element)
    return Plan(name, elements, tuple(required), tuple(choices), RULES.get(name, ()))


def _sibling(element: Element) -> Element:
    """Return "_birthDate" for "birthDate": where the id and extensions of a primitive stand."""
    return Element(
        key=f"_{element.key}",
        many=element.many,
        primitive=None,
        check=None,
        child="FHIRPrimitiveExtension",
        codes=None,
        targets=None,
        choice=element.choice,
        here=None,
    )


def _element(name: str, key: str, annotation: Any, extra: Mapping[str, Any]) -> Element:
    leaves = tuple(_leaves(annotation))
    child = next((k.get_model_klass() for k in leaves if hasattr(k, "get_model_klass")), None)
    primitive = None if child else _primitive(leaves)
    where = f"{name}.{key}"
    return Element(
        key=key,
        many="List[" in str(annotation),
        primitive=primitive,
        check=CHECKS[_FORMS.get(where, primitive)] if primitive else None,
        child=child.__name__ if child else "",
        codes=_codes(where, extra) if primitive == "code" else None,
        targets=_targets(where, extra),
        choice=extra.get("one_of_many"),
        here=_here(name, key, child.__name__) if child else None,
    )


def _leaves(annotation: Any) -> Iterator[Any]:
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        yield from arguments[1:]
        return
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _leaves(argument)


def _primitive(leaves: tuple[Any, ...]) -> str:
    if bool in leaves:
        return "boolean"
    names = (type(leaf).__name__.lower() for leaf in leaves)
    return next(_PRIMITIVES[name] for name in names if name in _PRIMITIVES)


def _codes(where: str, extra: Mapping[str, Any]) -> frozenset[str] | None:
    bindings = table("required_bindings")
    if where in bindings["type_names"]:
        return type_names()
    codes = bindings["codes"].get(where) or extra.get("enum_values")
    if not codes or "+" in codes or where in bindings["unchecked"]:
        return None
    return frozenset(codes)


def _targets(where: str, extra: Mapping[str, Any]) -> frozenset[str] | None:
    named = table("r4")["targets"].get(where) or extra.get("enum_reference_types")
    return None if not named or _ANY & set(named) else frozenset(named)


def _here(name: str, key: str, child: str) -> Rule | None:
    where = f"{name}.{key}"
    if where in table("r4")["simple_quantities"]:
        return Rule("sqty-1", SIMPLE, "comparator")
    if child == "Extension" and name != "Extension":
        return Rule("extension", ABSOLUTE, "url")
    concept = table("required_bindings")["concepts"].get(where)
    return Rule("binding", coded(concept["system"], concept["codes"])) if concept else None
