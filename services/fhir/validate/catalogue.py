"""Which resource types there are, and what R4 says that the typed views do not."""

from __future__ import annotations

import typing
from functools import lru_cache
from importlib import resources
from typing import Any

from compliance.yamltext import read_yaml
from services.fhir.errors import FhirUnknownTypeError


@lru_cache(maxsize=8)
def table(name: str) -> dict[str, Any]:
    """Return the table ``data/<name>.yaml`` of `services.fhir`."""
    text = resources.files("services.fhir").joinpath(f"data/{name}.yaml").read_text("utf-8")
    return typing.cast("dict[str, Any]", read_yaml(text))


@lru_cache(maxsize=1)
def resource_types() -> frozenset[str]:
    """Names of every R4 resource type that the store takes."""
    return frozenset(table("r4")["served_types"])


@lru_cache(maxsize=1)
def type_names() -> frozenset[str]:
    """Names of every resource type of R4, those that the store does not take included."""
    return resource_types() | set(table("r4")["unserved_types"])


def type_of(value: Any) -> str:
    """Return the resource type that a JSON value says it is, "" if it is none of R4."""
    name = value.get("resourceType") if type(value) is dict else None
    return name if isinstance(name, str) and name in resource_types() else ""


def require_type(name: str) -> None:
    """Raise FhirUnknownTypeError unless ``name`` is a resource type of R4."""
    if name not in resource_types():
        raise FhirUnknownTypeError("that is not a resource type of FHIR R4")
