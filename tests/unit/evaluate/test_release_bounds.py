"""What a release must reach on the committed suites; the figures stand in infra/BENCHMARKS.md.

Only the first halves are run here: the second ones stay unseen until a release is measured.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from services.consult.evaluate import answers, suites
from services.consult.evaluate import triage as triage_suite
from services.consult.messages import Urgency
from services.consult.triage import Triager

SUITES = Path(__file__).parents[2] / "suites"


def test_triage_recognises_emergencies_and_spares_look_alikes() -> None:
    score = triage_suite.run(Triager.load(), suites.read_messages(SUITES / "triage" / "first.txt"))
    assert score.recall(Urgency.EMERGENCY).value >= 0.99
    assert score.alarms(Urgency.ROUTINE).value <= 0.03
    assert score.recall(Urgency.URGENT).value >= 0.90


@pytest.fixture(scope="module")
def hierarchy() -> answers.Hierarchy:
    return answers.Hierarchy.open()
