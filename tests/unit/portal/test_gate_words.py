"""What gates say reads in both languages; what is unknown stays as it was said."""

from __future__ import annotations

import re

import pytest
from support.looks import portal_says

from services.hospital.portal.gate_words import figure, lines, stopped
from services.learning.gates import Evidence, Scores, may_release
from services.learning.gates.criteria import Readiness, may_start
from services.learning.policy import POLICY, Policy
from services.learning.rounds.rebuild import TAKE_BACK

RULES = Policy.load(POLICY).of("general")
SUITES = ("learned", "protected", "safety")
READY = [
    Readiness(0, 0, 0, None, None),
    Readiness(5, 3, 20, 0.25, 2.5, running=True),
    Readiness(5, 3, 20, 0.25, 2.5, drift=0.1),
]
SEEN = [
    Evidence(),
    Evidence(suites={name: Scores((1.0,) * 3, (1.0,) * 3) for name in SUITES}),
    Evidence(
        suites={name: Scores((0.0,) * 30, (1.0,) * 30) for name in SUITES},
        shadow=(20, 3), epsilon=2.0, rejections=frozenset({"ana"}),
    ),
]  # fmt: skip


def translator(language):
    return lambda key, **values: portal_says(language, key, **values)


@pytest.mark.parametrize("language", ["en", "es"])
def test_everything_that_the_gates_of_rounds_say_is_known(language):
    criteria = [c for one in READY for c in may_start(RULES, one)]
    criteria += [c for one in SEEN for c in may_release(RULES, one)]
    said = [text for one in criteria for text in (one.needs, one.has)]
    unknown = [text for text in said if not figure(text, translator(language)).known]
    assert unknown == []


def test_parts_of_which_one_is_unknown_stay_as_they_were_said():
    told = figure("It does not answer.; the moon is full", translator("es"))
    assert not told.known
    assert told.text == "It does not answer.; the moon is full"


@pytest.mark.parametrize(
    "text",
    [
        "CC0 1.0, terms read on 2026-11-01",
        "nobody here has read its terms",
        "0 of 12",
        "9 passages before, 12 now",
        "1 found; 1 passages left out, 0 kept by a person",
        "98.0% before, 97.1% now (n = 40)",
        "lost: What are the signs of stroke?",
        "licence-changed: Of its licence a.json says: CC BY. That was not reviewed.",
        "older: It is of no day; what is here is of 2026-11-01.",
        "redirect: It redirects to another address; a person has to review that one.",
        "It does not answer (ReadTimeout).",
        "It answers with 503.",
        "There is no source 'old-labels'.",
        "Another version of openfda-labels came out meanwhile.",
        "overrides rose from 1.0% to 9.0%; 2 canary questions failed at nodes",
        "It cannot be judged: 1 of 3 nodes report; 5 of 40 answers under it",
    ],
)
def test_what_the_gates_of_knowledge_say_is_known(text):
    told = figure(text, translator("es"))
    assert told.known
    assert set(re.findall(r"\d+", text)) <= set(re.findall(r"\d+", told.text)) | {"3"}


def test_a_text_that_nobody_foresaw_stays_as_it_was_said():
    assert figure("a thing of its own", translator("es")).text == "a thing of its own"


def test_what_blocks_stands_first_and_a_missing_word_is_no_block():
    found = lines(
        [
            {"name": "privacy", "holds": True, "needs": "", "has": ""},
            {"name": "approvals", "holds": False, "needs": "at least 2", "has": "1"},
            {"name": "safety:safety", "holds": False, "needs": "", "has": ""},
        ],
        "round",
        translator("en"),
    )
    assert [(one.suite, one.state) for one in found] == [
        ("safety", "blocks"), ("", "people"), ("", "holds"),
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    "error",
    [
        "collecting: 2 contributions from 1 sites are left; 5 from 3 are needed.",
        "aggregating: Contribution 2 of the round is not finite.",
        "publishing: Nobody may sign bricks of clinic/general.",
        "publishing: There is no signed repository to publish into.",
        "publishing: general@2 is still on its way.",
        "publishing: The adapter is not the one that was measured.",
        f"aggregating: The model was changed since that release. {TAKE_BACK}",
        "evaluating: TimeoutError",
    ],
)
def test_why_a_round_stopped_is_told_in_the_readers_language(error, language):
    stop = stopped(error, translator(language))
    assert stop.said.known
    state = error.partition(":")[0]
    assert portal_says(language, f"updates.state_{state}") in stop.where


def test_a_rejection_keeps_the_words_of_who_rejected():
    stop = stopped("rejected: Too short.", translator("es"))
    assert (stop.where, stop.said.text) == (
        portal_says("es", "updates.stopped_rejected"),
        "Too short.",
    )
    assert stopped(None, translator("es")) is None
