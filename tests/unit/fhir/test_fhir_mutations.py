"""Broken resources are refused, whatever is broken in them, and wherever the typed views refuse."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.fhir import jsontext
from services.fhir._prepare import prepare
from services.fhir.errors import FhirInvalidError
from services.fhir.sandbox import generate
from services.fhir.validate import faults
from services.fhir.validate.plan import plan_of
from tests.unit.fhir.fhir_cases import CASES
from tests.unit.fhir.fhir_mutations import MUTATIONS, Place, Resource, broken, places

SOUND: list[Resource] = [
    *{resource["resourceType"]: resource for resource in generate()}.values(),
    *(kept for _, kept, _ in CASES),
]
ODD = st.sampled_from(
    [
        None, "", [], {}, 5, -1, 1.5, True, "x", "a b", " a", "2020", "2020-13-01", "2023-02-30",
        "2020-01-01T10:00", [None], [[]], {"x": 1}, ["a"], 2**31, 10**30, "true", [{}], "\u0000",
        {"extension": [{"url": "http://example.org"}]}, "urn:uuid:z", {"reference": "Nope"}, "é",
    ]
)  # fmt: skip
QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found = [(value, key) for key in keys if key != "resourceType"]
    inner = [value[key] for key in keys if isinstance(value[key], dict | list)]
    return found + [spot for item in inner for spot in spots(item)]


@st.composite
def disturbed(draw: Any) -> Resource:
    """A resource with something odd at any place; it may still be valid."""
    resource: Resource = copy.deepcopy(draw(st.sampled_from(SOUND)))
    holder, key = draw(st.sampled_from(spots(resource)))
    match draw(st.integers(0, 3)):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw(st.sampled_from([f"_{key}", "foo", "valueString", "id", "text"]))] = draw(
                ODD
            )
        case 2:
            holder[key] = [holder[key]]
        case _:
            holder[key] = draw(ODD)
    return resource


def typed_views_take(resource: Resource) -> bool:
    model = get_fhir_model_class(resource["resourceType"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.model_validate(resource)
    except (ValueError, TypeError):
        return False
    return True


@pytest.mark.parametrize("resource", SOUND, ids=[r["resourceType"] for r in SOUND])
def test_what_is_broken_below_is_sound_before(resource: Resource) -> None:
    assert faults(resource) == ()
    assert typed_views_take(resource)


@settings(QUIET, max_examples=500)
@given(broken(SOUND))
def test_a_resource_broken_in_a_known_way_is_refused_and_nothing_else_happens(
    case: tuple[str, Resource],
) -> None:
    name, resource = case
    assert faults(resource), name
    with pytest.raises(FhirInvalidError):
        prepare(jsontext.dumps(resource))


@settings(QUIET, max_examples=500)
@given(disturbed())
def test_whatever_the_typed_views_refuse_is_refused(resource: Resource) -> None:
    found = faults(resource, identified=False)
    assert found or typed_views_take(resource)
    assert all(fault.element and fault.rule for fault in found)


def test_each_kind_of_mutation_finds_something_to_break() -> None:
    def first(strategy: Any) -> Any:
        return strategy.elements[0]

    for name, mutate in MUTATIONS.items():
        made = [mutate(first, list(_places(resource))) for resource in map(copy.deepcopy, SOUND)]
        assert any(made), name


def _places(resource: Resource) -> Iterator[Place]:
    return places(resource, plan_of(resource["resourceType"]))
