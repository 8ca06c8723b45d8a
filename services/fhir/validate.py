"""Whether a resource is FHIR R4: structure by typed views, then bindings, JSON types, invariants.

    check({"resourceType": "Patient", "gender": "zzz"})   # FhirInvalidError: Patient.gender: …

``fhir.resources.R4B`` checks names, cardinality and the form of dates, ids and references. It was
seen to accept codes outside required value sets, strings in place of numbers and booleans, and
CodeableConcepts with any code; those are checked here on the JSON itself. Faults never repeat a
value of the resource, since they end up in logs.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from fhir.resources import R4B
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from services.fhir.errors import Fault, FhirInvalidError, FhirUnknownTypeError

MAX_FAULTS = 20
"""Most faults that one refusal lists."""
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_NAME = re.compile(r"_?[A-Za-z]\w{0,63}")
_RULES = {
    "missing": "is required",
    "model_field_validation.missing": "is required",
    "extra_forbidden": "is not an element of R4 here",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "string_type": "must be a string",
    "string_pattern_mismatch": "does not have the form that its type asks for",
    "value_error": "does not have the form that its type asks for",
}


@dataclass(frozen=True)
class _Element:
    codes: frozenset[str] | None
    child: type[Any] | None
    json_type: str | None


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    text = (
        resources.files("services.fhir").joinpath("data/required_bindings.yaml").read_text("utf-8")
    )
    return typing.cast("dict[str, Any]", yaml.safe_load(text))


@lru_cache(maxsize=1)
def resource_types() -> frozenset[str]:
    """Names of every R4 resource type that the store takes."""
    from fhir.resources.R4B import fhirtypes
    from fhir.resources.R4B.resource import Resource

    abstract = {"Resource", "DomainResource"}
    modules = {module.name for module in pkgutil.iter_modules(R4B.__path__)}
    names = [name[:-4] for name in dir(fhirtypes) if name.endswith("Type")]
    known = {
        n for n in names if n.lower() in modules and issubclass(get_fhir_model_class(n), Resource)
    }
    return frozenset(known - abstract - set(_tables()["newer_types"]))


def require_type(name: str) -> None:
    """Raise FhirUnknownTypeError unless ``name`` is a resource type of R4."""
    if name not in resource_types():
        raise FhirUnknownTypeError("that is not a resource type of FHIR R4")


def check(resource: Mapping[str, Any]) -> None:
    """Raise FhirInvalidError, with every fault found (20 at most), unless ``resource`` is R4."""
    faults = tuple(_faults(resource))
    if faults:
        raise FhirInvalidError(faults[:MAX_FAULTS])


def _faults(resource: Mapping[str, Any]) -> Iterator[Fault]:
    name = resource.get("resourceType") if isinstance(resource, Mapping) else None
    if not isinstance(name, str) or name not in resource_types():
        yield Fault("resourceType", "must name a resource type of FHIR R4")
        return
    identity = resource.get("id")
    if not isinstance(identity, str) or not ID.fullmatch(identity):
        yield Fault(f"{name}.id", "is required: 1 to 64 letters, digits, '-' or '.'")
        return
    model = get_fhir_model_class(name)
    try:
        model.model_validate(resource)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            rule = _RULES.get(item["type"], f"has the wrong type ({item['type']})")
            yield Fault(_path(name, item["loc"]), _several(item, rule))
        return
    yield from _walk(resource, model, name)
    yield from _invariants(name, resource)


def _several(item: Any, rule: str) -> str:
    if item["type"] == "value_error" and "got multiple" in item["msg"]:
        return "gives more than one type for a choice element [x]"
    if item["type"] == "value_error" and not item["loc"]:
        return "lacks one of the types of a required choice element [x]"
    return rule


def _path(root: str, location: tuple[int | str, ...]) -> str:
    path = root
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if _NAME.fullmatch(part) else ".?"
    return path


@lru_cache(maxsize=2_000)
def _plan(model: Any) -> dict[str, _Element]:
    own, open_lists = _tables()["codes"], _tables()["unchecked"]
    plan = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        codes = own.get(f"{model.__name__}.{key}") or (field.json_schema_extra or {}).get(
            "enum_values"
        )
        kinds = tuple(_leaves(field.annotation))
        child = next((k.get_model_klass() for k in kinds if hasattr(k, "get_model_klass")), None)
        json_type = "boolean" if bool in kinds else "number" if _is_number(kinds) else None
        closed = codes and "+" not in codes and f"{model.__name__}.{key}" not in open_lists
        allowed = frozenset(codes or ()) if closed else None
        if allowed or child or json_type:
            plan[key] = _Element(allowed, child, json_type)
    return plan


def _leaves(annotation: Any) -> Iterator[Any]:
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        arguments = arguments[:1]
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _leaves(argument)


def _is_number(kinds: tuple[Any, ...]) -> bool:
    from decimal import Decimal

    return any(inspect.isclass(kind) and issubclass(kind, int | Decimal) for kind in kinds)


def _walk(value: Mapping[str, Any], model: Any, path: str) -> Iterator[Fault]:
    plan = _plan(model)
    for key, content in value.items():
        element = plan.get(key)
        if element is None:
            continue
        several = isinstance(content, list)
        for index, item in enumerate(content if several else (content,)):
            where = f"{path}.{key}[{index}]" if several else f"{path}.{key}"
            yield from _element_faults(item, element, where)


def _element_faults(item: Any, element: _Element, where: str) -> Iterator[Fault]:
    if item is None:
        return
    if element.child is not None and isinstance(item, Mapping):
        child = element.child
        if child.__name__ == "Resource":
            name = str(item.get("resourceType"))
            if name not in resource_types():
                yield Fault(where, "must be a resource of R4")
                return
            child = get_fhir_model_class(name)
        yield from _walk(item, child, where)
    elif element.codes is not None and isinstance(item, str) and item not in element.codes:
        yield Fault(where, "is outside the required value set")
    elif element.json_type == "boolean" and not isinstance(item, bool):
        yield Fault(where, "must be true or false")
    elif element.json_type == "number" and (isinstance(item, bool | str)):
        yield Fault(where, "must be a number")


def _invariants(name: str, resource: Mapping[str, Any]) -> Iterator[Fault]:
    for path, binding in _tables()["concepts"].items():
        kind, element = path.split(".")
        if kind == name and element in resource:
            yield from _concept_faults(path, resource[element], binding)
    clinical = _codes(resource.get("clinicalStatus"))
    verification = _codes(resource.get("verificationStatus"))
    withdrawn = "entered-in-error" in verification
    if name in {"Condition", "AllergyIntolerance"} and withdrawn and clinical:
        yield Fault(f"{name}.clinicalStatus", "must be absent when entered in error (con-5, ait-2)")
    if name == "AllergyIntolerance" and not withdrawn and not clinical:
        yield Fault("AllergyIntolerance.clinicalStatus", "is required (ait-1)")
    if (
        name == "Condition"
        and any(key.startswith("abatement") for key in resource)
        and not clinical & {"resolved", "remission", "inactive"}
    ):
        yield Fault("Condition.clinicalStatus", "must be inactive when abatement is given (con-4)")
    valued = any(re.fullmatch(r"value[A-Z]\w*", key) for key in resource)
    if name == "Observation" and "dataAbsentReason" in resource and valued:
        yield Fault("Observation.dataAbsentReason", "must be absent when there is a value (obs-6)")


def _codes(concept: Any) -> set[str]:
    return {str(coding.get("code")) for coding in (concept or {}).get("coding", ())}


def _concept_faults(path: str, concept: Any, binding: Mapping[str, Any]) -> Iterator[Fault]:
    codings = concept.get("coding", [])
    ours = [c for c in codings if c.get("system") in {None, binding["system"]}]
    if not any(c.get("code") in binding["codes"] for c in ours):
        yield Fault(path, "has no code of the required value set")
