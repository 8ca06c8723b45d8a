"""Each invariant of R4 that the server claims is kept by one resource and broken by another."""

from __future__ import annotations

import re

import pytest

from services.fhir.validate import faults
from services.fhir.validate.rules import RULES
from tests.unit.fhir.fhir_cases import CASES, Resource


@pytest.mark.parametrize(("key", "kept", "broken"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_is_kept_by_one_and_named_where_another_breaks_it(
    key: str, kept: Resource, broken: Resource
):
    assert faults(kept) == ()
    assert f"({key})" in " ".join(fault.rule for fault in faults(broken))
    assert all(f.element.startswith(broken["resourceType"]) for f in faults(broken))


def test_every_rule_has_a_case():
    claimed = {rule.key for rules in RULES.values() for rule in rules}
    assert claimed <= {key for key, _, _ in CASES}


def test_every_rule_says_what_is_wrong_and_its_key():
    for rule in (rule for rules in RULES.values() for rule in rules):
        assert re.fullmatch(r"[a-z].+ \([a-z]+-\d+\)", rule.says)
