"""Second opinions: who is asked, what is kept of what they say, and how it goes together."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from support.second import CALL, DOSE, INVENTED, REST, TOPIC, Pushed, Scripted, a_node

from compliance.errors import CaretierError
from services.consult.draft import SILENT
from services.consult.ground import Quote
from services.consult.messages import Sentence, Urgency
from services.engines.errors import AdapterUnknownError, EngineError
from services.engines.protocol import Authoring
from services.hospital.errors import NotAllowedError
from services.hospital.opinions import (
    DRAFT,
    Began,
    Opinion,
    Opinions,
    Round,
    compare,
    marks,
    verdict_of,
)
from services.hospital.opinions.service import Around
from tests.unit.replies.conftest import ANA


@pytest.fixture
def audited():
    return []


@pytest.fixture
def asks(database, desk, audited):
    """Makes opinions over a scripted engine."""

    def make(engine, *names, seconds=2.0, **node):
        around = Around(
            lambda: a_node(engine, **node),
            Pushed(*names),
            lambda caller, consult, model: audited.append((caller.person.id, consult, model)),
            seconds=seconds,
        )
        return Opinions(database, desk, around)

    return make


async def run(opinions, item):
    told = [one async for one in opinions.ask(item, ANA, None)]
    assert isinstance(told[-1], Round)
    return told[-1]


async def test_each_expert_answers_by_itself_and_only_what_a_source_carries_is_kept(
    asks, lay, desk, audited
):
    engine = Scripted(amber=[REST, INVENTED], birch=[DOSE])
    opinions, item = asks(engine, "amber", "birch"), desk.item(lay())
    told = await run(opinions, item)
    said = {one.by: [s.text for s in one.sentences] for one in told.opinions}
    assert said == {DRAFT: [REST], "amber": [REST], "birch": [DOSE]}
    assert {one.by: one.unsourced for one in told.opinions} == {DRAFT: 0, "amber": 1, "birch": 0}
    assert INVENTED not in told.model_dump_json()
    assert [model for _, _, model in audited] == ["amber@2", "birch@2"]
    assert opinions.last(item.id) == told


async def test_an_expert_that_fails_or_takes_too_long_keeps_nobody_else_waiting(asks, lay, desk):
    engine = Scripted(
        amber=[REST], birch=EngineError("x"), cedar=None, dogwood=AdapterUnknownError("x")
    )
    opinions = asks(engine, "amber", "birch", "cedar", "dogwood", seconds=0.3)
    told = await run(opinions, desk.item(lay()))
    assert {one.by: one.trouble for one in told.opinions} == {
        DRAFT: None,
        "amber": None,
        "birch": "failed",
        "cedar": "time",
        "dogwood": "gone",
    }


async def test_stopping_keeps_nothing_and_cancels_who_still_answers(asks, lay, desk):
    opinions, item = asks(Scripted(amber=[REST], cedar=None), "amber", "cedar"), desk.item(lay())
    asked = opinions.ask(item, ANA, None)
    assert [await anext(asked), await anext(asked)] == [Began("amber"), Began("cedar")]
    assert (await anext(asked)).sentences
    await asked.aclose()
    assert opinions.last(item.id) is None
    assert len(asyncio.all_tasks()) == 1


async def test_in_an_emergency_nobody_is_asked(asks, lay, desk, audited):
    opinions = asks(Scripted(amber=[REST]), "amber", urgency=Urgency.EMERGENCY)
    told = await run(opinions, desk.item(lay()))
    assert (told.urgency, told.opinions, audited) == (Urgency.EMERGENCY, (), [])
    told = await run(asks(Scripted(amber=[REST]), "amber"), desk.item(lay(urgency="emergency")))
    assert told.opinions == ()


async def test_where_no_source_answers_that_is_said(asks, lay, desk):
    opinions = asks(Scripted(amber=[REST]), "amber", reason="not-covered")
    told = await run(opinions, desk.item(lay()))
    assert (told.reason, told.verdict) == ("not-covered", "none")


async def test_nobody_is_asked_before_it_is_written_down(database, desk, lay):
    def refuse(*_):
        raise CaretierError("The trail is full.")

    engine = Scripted(amber=AssertionError("asked"))
    around = Around(lambda: a_node(engine), Pushed("amber"), refuse)
    with pytest.raises(CaretierError):
        await run(Opinions(database, desk, around), desk.item(lay()))


async def test_signing_drops_what_experts_said(asks, lay, desk):
    opinions, id_ = asks(Scripted(amber=[REST]), "amber"), lay()
    opinions.attach(desk)
    await run(opinions, desk.item(id_))
    desk.sign(id_, REST, version=0, user=ANA)
    assert opinions.last(id_) is None
    with pytest.raises(NotAllowedError):
        await run(opinions, desk.item(id_))


@pytest.mark.parametrize(
    ("engine", "names", "why"),
    [
        (Scripted(), (), "experts"),
        (None, ("amber",), "engine"),
        (Scripted(Authoring.NONE), ("amber",), "authoring"),
        (Scripted(), ("amber",), None),
    ],
)
def test_why_there_is_nobody_to_ask_is_told(asks, engine, names, why):
    opinions = asks(engine, *names)
    assert opinions.why() == why
    assert bool(opinions.experts()) is (why is None)


def opinion(by, *said):
    return Opinion(by=by, sentences=tuple(Sentence(text=t, citations=(c,)) for t, c in said))


def test_a_contradiction_counts_however_many_others_agree():
    agreed = "Adults may take up to 4 grams of paracetamol in a day."
    three = [opinion(name, (agreed, "x")) for name in "abc"]
    other = opinion("d", ("Adults may take up to 3 grams of paracetamol in a day.", "y"))
    (found,) = compare([*three, other])
    assert (found.kind, found.first, found.second) == ("numbers", "a", "d")
    assert verdict_of([*three, other], [found]) == "contradict"


def test_four_grams_and_four_thousand_milligrams_are_one_statement():
    a = opinion("a", ("Adults may take up to 4 grams of paracetamol in a day.", "x"))
    b = opinion("b", ("Adults may take up to 4,000 mg of paracetamol in a day.", "y"))
    (found,) = compare([a, b])
    assert found.kind == "same"
    assert verdict_of([a, b], [found]) == "agree"


def test_agreement_asks_for_every_statement_and_silence_votes_for_nothing():
    a, b, more = opinion("a", (REST, "x")), opinion("b", (REST, "x")), (DOSE, "x")
    assert verdict_of([a, b, opinion("c")], ()) == "agree"
    assert verdict_of([a, opinion("b", (REST, "x"), more)], ()) == "differ"
    assert verdict_of([a, opinion("c")], ()) == "one"
    assert verdict_of([opinion("c")], ()) == "none"


def test_beside_each_statement_stands_who_says_it_too_and_who_says_otherwise():
    less = DOSE.replace("4 grams", "3 grams")
    opinions = (
        opinion(DRAFT, (REST, "x")),
        opinion("a", (REST, "x"), (DOSE, "x")),
        opinion("b", (less, "y")),
        opinion("c", (CALL, "z")),
    )
    told = Round(asked=datetime.now(UTC), by="ana", opinions=opinions, findings=compare(opinions))
    stands = marks(told)
    assert stands["a", REST].also == (DRAFT,)
    assert stands["a", DOSE].against == ("b",)
    assert stands["b", less].against == ("a",)
    assert stands["c", CALL].alone
    assert [stands[by, text].new for by, text in stands] == [False, False, True, True, True]


async def test_what_came_of_an_expert_that_gave_no_opinion_is_told(asks, lay, desk):
    engine = Scripted(amber=[INVENTED], birch=[SILENT], cedar=[])
    told = await run(asks(engine, "amber", "birch", "cedar"), desk.item(lay()))
    outcomes = {one.by: one.outcome for one in told.opinions if one.by != DRAFT}
    assert outcomes == {"amber": "unsourced", "birch": "silent", "cedar": "silent"}


async def test_experts_take_turns_where_the_engine_answers_one_at_a_time(asks, lay, desk):
    engine = Scripted(amber=[REST], birch=[DOSE], cedar=[CALL])
    engine.health = lambda: SimpleNamespace(contexts=1)
    opinions = asks(engine, "amber", "birch", "cedar")
    told = [one async for one in opinions.ask(desk.item(lay()), ANA, None)]
    kinds = [type(one) for one in told]
    assert kinds == [Began, Opinion] * 3 + [Round]
    assert engine.most == 1


async def test_an_expert_whose_turn_does_not_come_had_no_room(database, desk, lay):
    engine = Scripted(amber=None, birch=[REST])
    engine.health = lambda: SimpleNamespace(contexts=1)
    around = Around(
        lambda: a_node(engine), Pushed("amber", "birch"), lambda *_: None, None, 0.4, 0.1
    )
    told = await run(Opinions(database, desk, around), desk.item(lay()))
    assert [one.outcome for one in told.opinions if one.by != DRAFT] == ["time", "busy"]


async def test_an_expert_answers_from_its_own_field_too_and_the_others_do_not(asks, lay, desk):
    own = TOPIC.passages[1]
    quotes = [Quote(own, "Take ibuprofen with food.", 0.9)]
    engine = Scripted(amber=[quotes[0].text], birch=[quotes[0].text])
    opinions = asks(engine, "amber", "birch", fields={"amber": quotes})
    told = await run(opinions, desk.item(lay()))
    assert {one.by: (one.outcome, one.own) for one in told.opinions if one.by != DRAFT} == {
        "amber": ("said", True),
        "birch": ("unsourced", False),
    }


async def test_one_expert_that_breaks_as_nobody_foresaw_does_not_end_the_others(asks, lay, desk):
    engine = Scripted(amber=ValueError("x"), birch=[REST])
    told = await run(asks(engine, "amber", "birch"), desk.item(lay()))
    assert [one.outcome for one in told.opinions if one.by != DRAFT] == ["failed", "said"]
