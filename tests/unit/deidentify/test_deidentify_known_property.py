"""Generated whole records, every identifier in many disguises: no letter of it is ever left."""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path

import pytest

from compliance.deidentify import DeidentificationError, Deidentifier

sys.path.insert(0, str(Path(__file__).parent))
check = importlib.import_module("corruption_check")

CHUNKS, RECORDS = 16, 14
CASES = CHUNKS * RECORDS * check.CASES_A_RECORD
PADDING = "The patient slept well and ate a little soup. "


def test_there_are_four_thousand_cases() -> None:
    assert CASES >= 4_000


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_known_identifiers_alone_leave_no_letter_of_any_disguise(chunk: int) -> None:
    """What the record's recogniser covers stays covered: the service only ever joins spans."""
    assert check.leaks(chunk * RECORDS, RECORDS * check.CASES_A_RECORD) == []


def _masked(detector: Deidentifier, case: object, known: object, padding: int) -> bool:
    """Raise AssertionError when a letter survives; False when the text was refused."""
    moved = check.Case(
        case.seed,
        PADDING[: padding % len(PADDING)] + PADDING * (padding // len(PADDING)) + "\n" + case.text,
        case.kinds,
        (),
    )
    shift = len(moved.text) - len(case.text)
    secrets = tuple((start + shift, end + shift) for start, end in case.secrets)
    moved = check.Case(moved.seed, moved.text, moved.kinds, secrets)
    try:
        done = detector.deidentify(moved.text, known=known)
    except DeidentificationError:
        return False
    covered = {i for entity in done.entities for i in range(entity.start, entity.end)}
    assert check.survivors(moved, covered) == "", moved
    return True


def test_the_whole_service_masks_them_too_and_refuses_next_to_none(detector: Deidentifier) -> None:
    passed = [_masked(detector, case, known, 0) for known, case in check.cases(20_000, 200)]
    assert passed.count(False) <= 2


def test_an_identifier_over_the_edge_of_a_chunk_is_masked(detector: Deidentifier) -> None:
    """Texts of several windows of the names model, identifiers at every distance from an edge."""
    rng = random.Random(7)  # noqa: S311 - test data
    passed = [
        _masked(detector, case, known, rng.randrange(400, 2400))
        for known, case in check.cases(30_000, 40)
    ]
    assert passed.count(False) <= 1


def test_the_judge_sees_one_letter_that_is_left() -> None:
    case = check.Case("0", "I am R\u200bobert now", ("name",), ((5, 12),))
    assert check.survivors(case, set(range(5, 11))) == "t"
    assert check.survivors(case, set(range(5, 12)) - {6}) == ""
