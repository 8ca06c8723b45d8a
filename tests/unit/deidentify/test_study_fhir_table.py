"""The table of paths is whole: every type, every element, every date."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from compliance.deidentify.fhir.table import ACTIONS, _node, paths, table
from compliance.errors import BadInputError
from services.fhir.validate import resource_types

SPECIAL = {"Bundle", "Binary"}
TYPES = sorted(table().types)
_ASIDE = {"fhir_comments", "extension", "modifierExtension", "contained", "id", "resourceType"}


def _leaves(annotation: Any) -> Iterator[Any]:
    arguments = typing.get_args(annotation)
    if not arguments or typing.get_origin(annotation) is typing.Annotated:
        yield annotation
        return
    for argument in arguments:
        yield from _leaves(argument)


def _elements(model: Any) -> Iterator[tuple[str, Any, str]]:
    """Name, model (for an object) and primitive type of each element."""
    for name, field in model.model_fields.items():
        if name.endswith("__ext") or (field.alias or name) in _ASIDE or name == "resource_type":
            continue
        kinds = list(_leaves(field.annotation))
        child = next((k.get_model_klass() for k in kinds if hasattr(k, "get_model_klass")), None)
        marks = [typing.get_args(k)[1] for k in kinds if typing.get_args(k)]
        yield field.alias or name, child, type(marks[0]).__name__ if marks else ""


def _against(model: Any, node: dict[str, Any], path: str, seen: tuple[Any, ...]) -> Iterator[str]:
    """What is wrong with a node when it is laid on the model; data types are looked at apart."""
    elements = {name: (child, kind) for name, child, kind in _elements(model)}
    for name in set(elements) - set(node):
        yield f"{path}.{name} is not in the table"
    for name in set(node) - set(elements) - _ASIDE:
        yield f"{path}.{name} is no element"
    for name, (child, kind) in elements.items():
        treatment = node.get(name)
        apart = any(treatment is one for one in table().data.values())
        if isinstance(treatment, dict) and child is not None and child not in seen and not apart:
            yield from _against(child, treatment, f"{path}.{name}", (*seen, child))
        if treatment == "keep" and kind in _NEVER_KEPT and f"{path}.{name}" not in _KEPT_TEXT:
            yield f"{path}.{name} is kept, and is a {kind}"


_NEVER_KEPT = {"Date", "DateTime", "Instant", "String", "Markdown", "Base64Binary", "Uri", "Url",
               "Canonical", "Id", "Oid", "Uuid"}  # fmt: skip
_KEPT_TEXT = {"Address.country", "Address.state", "Coding.version", "SampledData.data"}


def test_every_type_that_is_served_has_a_table_or_a_reason_why_not() -> None:
    known = set(table().types) | set(table().withheld) | SPECIAL
    assert resource_types() - known == set()
    assert not set(table().types) & set(table().withheld)


@pytest.mark.parametrize("kind", TYPES)
def test_every_element_of_a_type_is_in_its_table_and_no_text_or_date_is_kept(kind: str) -> None:
    model = get_fhir_model_class(kind)
    assert list(_against(model, table().types[kind], kind, (model,))) == []


@pytest.mark.parametrize("name", sorted(table().data))
def test_every_element_of_a_data_type_is_in_its_table(name: str) -> None:
    model = get_fhir_model_class(name)
    assert list(_against(model, table().data[name], name, (model,))) == []


@pytest.mark.parametrize("kind", TYPES)
def test_every_action_of_a_table_is_known(kind: str) -> None:
    assert {action for _, action in paths(table().types[kind])} <= ACTIONS


def test_names_contacts_and_numbers_are_never_kept_or_masked() -> None:
    for kind, node in table().types.items():
        for path, action in paths(node):
            last = path.rpartition(".")[2]
            if last in {"telecom", "photo", "birthDate", "serialNumber", "udiCarrier", "city"}:
                assert action not in {"keep", "mask"}, (kind, path)


def test_a_table_with_an_unknown_action_is_refused() -> None:
    with pytest.raises(BadInputError):
        _node("Patient", {"retain": ["name"]}, {})
