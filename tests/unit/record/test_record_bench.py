"""How replies about the own record are judged."""

from __future__ import annotations

import pytest

from services.consult.evaluate.record import RecordQuestion, Said, outcomes, resources_of, verdict

ENTRY = ("Observation/p01-a1c-3",)
BASE = {
    "id": "x", "person": "p01", "q": "what was my a1c", "answer": "record",
    "has": (("7.1",), ("october 7, 2026",)), "hasnt": ("8.6", "is normal"), "warns": False,
}  # fmt: skip


def item(**more: object) -> RecordQuestion:
    return RecordQuestion.model_validate({**BASE, **more})


@pytest.mark.parametrize(
    ("text", "rests_on", "judged"),
    [
        ("It was 7.1 % on October 7, 2026.", ENTRY, "right"),
        ("It was 7.1 % on October 7, 2026.", ("diabetes#what",), "wrong"),
        ("It was 7.1 %.", ENTRY, "wrong"),
        ("It was 7.1 % on October 7, 2026, which is normal.", ENTRY, "contradiction"),
        ("It was 8.6 %.", ENTRY, "contradiction"),
    ],
)
def test_a_reply_is_right_only_whole_grounded_and_without_what_is_forbidden(text, rests_on, judged):
    assert verdict(item(), Said(text, rests_on)) == judged


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("Your record lists warfarin: it bleeds. Ask first about ibuprofen.", "right"),
        ("Ibuprofen eases pain. Your record lists warfarin.", "wrong"),
        ("St. John's wort with warfarin clots. Ibuprofen too.", "right"),
    ],
)
def test_a_due_warning_names_the_hazard_in_its_first_sentence(text, judged):
    due = item(has=(("warfarin",), ("ibuprofen",)), hasnt=(), warns=True)
    assert verdict(due, Said(text, ENTRY)) == judged


def test_a_person_has_their_own_resources_and_those_that_nobody_owns():
    mine = resources_of("p01")
    assert {r["id"] for r in mine if r["resourceType"] == "Patient"} == {"p01"}
    assert [r for r in mine if r["resourceType"] == "Practitioner"]
    assert outcomes([]) == {}
