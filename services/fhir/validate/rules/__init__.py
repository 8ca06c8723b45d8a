"""The invariants of R4, by type of the node that they are about."""

from __future__ import annotations

from collections.abc import Mapping

from services.fhir.validate.rules import (
    administration,
    bundles,
    clinical,
    datatypes,
    definitions,
    questionnaires,
)
from services.fhir.validate.rules.forms import Rule

RULES: Mapping[str, tuple[Rule, ...]] = {
    **datatypes.RULES,
    **clinical.RULES,
    **administration.RULES,
    **bundles.RULES,
    **questionnaires.RULES,
    **definitions.RULES,
}
"""For example ``RULES["Period"]``; rules of contained resources and of narrative stand apart."""
