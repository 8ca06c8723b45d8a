"""The list of resource types agrees with the typed views."""

from __future__ import annotations

import pkgutil

from fhir.resources import R4B
from fhir.resources.R4B import fhirtypes, get_fhir_model_class
from fhir.resources.R4B.resource import Resource

from services.fhir.validate import resource_types
from services.fhir.validate.catalogue import table


def test_the_types_that_are_served_are_those_of_r4b_that_r4_has():
    modules = {module.name for module in pkgutil.iter_modules(R4B.__path__)}
    names = {name[:-4] for name in dir(fhirtypes) if name.endswith("Type")}
    known = {
        name
        for name in names
        if name.lower() in modules and issubclass(get_fhir_model_class(name), Resource)
    }
    abstract = {"Resource", "DomainResource"}
    assert resource_types() == known - abstract - set(table("r4")["newer_types"])
