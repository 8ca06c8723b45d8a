"""A passage must speak of what a question turns on; else it answers another question."""

from __future__ import annotations

import pytest

from services.bricks.knowledge import Knowledge, parse_topic
from services.bricks.retrieval import KnowledgeIndex
from services.consult.asked import make_ready
from services.consult.messages import Question
from services.consult.reader import Reader
from services.consult.turns import Turn, unmet
from services.engines.embed import Embedder

HEAD = """---
id: {id}
title: {title}
kind: {kind}
aliases: [{aliases}]
level: device
audience: adult
written: 2026-11-21
reviewed_by: null
sources:
  - name: MedlinePlus
    url: https://medlineplus.gov/
    checked: 2026-11-21
---
"""
TOPICS = (
    (
        HEAD.format(id="arthritis", title="Osteoarthritis", kind="disease", aliases="arthritis")
        + "## treatment\nExercise and pain relievers treat osteoarthritis of the knee and hip."
        " Pets can be good company on a walk.\n"
    ),
    (
        HEAD.format(id="naproxen", title="Naproxen", kind="medicine", aliases="Aleve")
        + "## stopping\nPeople who take naproxen can stop when the pain is gone.\n"
        "## dose\nAdults take 220 mg every 8 to 12 hours.\n"
    ),
    (
        HEAD.format(id="pressure", title="High blood pressure", kind="disease", aliases="pressure")
        + "## self-care\nLess salt and more walking lower blood pressure. Losing weight helps.\n"
    ),
    (
        HEAD.format(id="bed", title="Bedwetting", kind="disease", aliases="wet bed").replace(
            "audience: adult", "audience: child"
        )
        + "## causes\nDeep sleep and much urine at night play a part in bedwetting.\n"
    ),
    (
        HEAD.format(id="hepatitis-b", title="Hepatitis B", kind="disease", aliases="hepatitis")
        + "## causes\nHepatitis B spreads through blood and sex.\n"
    ),
)


@pytest.fixture(scope="module")
def index() -> KnowledgeIndex:
    """An index over a few topics."""
    read = ((parse_topic(text, "topic"), text) for text in TOPICS)
    return KnowledgeIndex(Knowledge.of("device", read), Embedder.load())


@pytest.mark.parametrize(
    ("text", "passage", "expected"),
    [
        ("how is arthritis in horses treated", "arthritis#treatment", Turn.ANIMAL),
        ("can my dog have arthritis treatment", "arthritis#treatment", Turn.ANIMAL),
        ("is walking my pet good for arthritis", "arthritis#treatment", None),
        ("why do I pee so much at night", "bed#causes", Turn.PERSON),
        ("what makes an adult wet bed", "bed#causes", Turn.PERSON),
        ("why does my son wet the bed, can I help", "bed#causes", None),
        ("how is arthritis of the collarbone treated", "arthritis#treatment", Turn.PART),
        ("how is arthritis of the knee treated", "arthritis#treatment", None),
        ("how is reactive arthritis treated", "arthritis#treatment", Turn.NAME),
        ("how is chronic arthritis treated", "arthritis#treatment", None),
        ("I have Fabry disease, may I stop naproxen", "naproxen#stopping", Turn.NAME),
        ("I asked on Tuesday, may I stop naproxen", "naproxen#stopping", None),
        ("is hepatitis A spread by blood", "hepatitis-b#causes", Turn.NAME),
        ("is hepatitis B spread by blood", "hepatitis-b#causes", None),
        ("is naproxen stronger than aspirin", "naproxen#dose", Turn.COMPARISON),
        ("the pain is worse than ever, naproxen dose", "naproxen#dose", None),
        ("how do I make my blood pressure go up", "pressure#self-care", Turn.DIRECTION),
        ("how do I lower my blood pressure", "pressure#self-care", None),
        ("how many people stop naproxen", "naproxen#stopping", Turn.QUANTITY),
        ("how much naproxen is in a dose", "naproxen#dose", None),
        ("how long before surgery do I stop naproxen", "naproxen#dose", Turn.EVENT),
        ("how long does a dose of naproxen last", "naproxen#dose", None),
        ("¿Cómo se trata la artritis en los caballos?", "arthritis#treatment", Turn.ANIMAL),
    ],
)
def test_what_a_question_turns_on_must_be_spoken_of(
    index: KnowledgeIndex, text: str, passage: str, expected: Turn | None
) -> None:
    asked = make_ready(Question(id="q", text=text), index, Reader.load())
    held = next(p for p in index.passages if p.id == passage)
    assert unmet(asked, [held], index) is expected


def test_an_animal_that_is_food_is_no_patient(index: KnowledgeIndex) -> None:
    text = "is chicken soup good with arthritis"
    asked = make_ready(Question(id="q", text=text), index, Reader.load())
    assert unmet(asked, [index.passages[0]], index) is None
