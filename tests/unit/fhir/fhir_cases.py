"""For each invariant of R4 that the server claims: a resource that keeps it and one that breaks it.

A case is (key, kept, broken). Data types stand in an extension of a Basic, parts of a resource in
the smallest resource around them.
"""

from __future__ import annotations

from tests.unit.fhir.cases_administration import of_administration, of_bundles
from tests.unit.fhir.cases_base import Case, Resource
from tests.unit.fhir.cases_clinical import of_clinical
from tests.unit.fhir.cases_definitions import of_definitions
from tests.unit.fhir.cases_questionnaires import of_questionnaires
from tests.unit.fhir.cases_types import of_timing, of_types

__all__ = ["CASES", "Case", "Resource"]
CASES: tuple[Case, ...] = (
    *of_types(),
    *of_timing(),
    *of_clinical(),
    *of_administration(),
    *of_bundles(),
    *of_questionnaires(),
    *of_definitions(),
)
