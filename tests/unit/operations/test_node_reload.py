"""A node takes up other knowledge without a restart, and no brick takes it down."""

from __future__ import annotations

import asyncio

import pytest
from support.packs import topic

from services.bricks.retrieval import KnowledgeIndex
from services.bricks.serving import ActiveKnowledge
from services.consult.messages import Level, Question, Status
from services.consult.node import Node, Outcome

ASTHMA = topic(
    "asthma",
    written="2026-01-31",
    what="Asthma is a long-term condition of the airways of the lungs.",
    treatment="Asthma is treated with an inhaler.",
)
GOUT = topic("gout", what="Gout is a form of arthritis with sudden pain in a joint.")


@pytest.fixture
def nothing_built_in(tmp_path, monkeypatch):
    (tmp_path / "built-in").mkdir()
    for module in ("knowledge", "serving"):
        monkeypatch.setattr(f"services.bricks.{module}.PACKS", tmp_path / "built-in")
    monkeypatch.setattr("services.consult.node.models_folder", lambda: tmp_path / "models")


@pytest.fixture
def active(store, installed, nothing_built_in):
    return ActiveKnowledge("device", store, installed)


@pytest.fixture
def node(active, put, installed, embedder, triage_rules):
    """A node that knows of asthma, from a brick."""
    put("lungs", ASTHMA)
    installed.activate("lungs@1")
    index = KnowledgeIndex(active.load(), embedder)
    return Node(Level.DEVICE, triage_rules, index, active=active)


async def answer(node, text):
    end = [event async for event in node.consult(Question(text=text))][-1]
    assert isinstance(end, Outcome)
    return end.answer


async def test_a_brick_that_comes_into_use_answers_without_a_restart(node, put, installed):
    assert (await answer(node, "What is gout?")).status is Status.ABSTAINED
    put("joints", GOUT)
    installed.activate("joints@1")
    before = node.model.digest
    assert node.refresh()
    assert not node.refresh()  # nothing new
    said = await answer(node, "What is gout?")
    assert said.status is Status.ANSWERED
    assert said.citations[0].date == "2026-01-31"
    assert said.model.digest == node.model.digest != before


async def test_a_retired_topic_is_in_no_answer_any_more(node, put, installed):
    assert (await answer(node, "What is asthma?")).status is Status.ANSWERED
    put("lungs", ASTHMA, version=2, operation="retired")
    installed.activate("lungs@2")
    assert node.refresh()
    assert (await answer(node, "What is asthma?")).status is Status.ABSTAINED


async def test_a_consult_that_runs_ends_with_the_knowledge_it_began_with(node, put, installed):
    stream = node.consult(Question(text="What is asthma?"))
    await anext(stream)  # triage is done, nothing is looked up yet
    put("lungs", GOUT, version=2)
    installed.activate("lungs@2")
    assert node.refresh()
    rest = [event async for event in stream]
    assert "long-term condition" in rest[-1].answer.text
    assert (await answer(node, "What is asthma?")).status is Status.ABSTAINED


async def test_a_brick_that_cannot_be_read_leaves_the_rest_answering(
    node, put, installed, store, caplog
):
    manifest = put("joints", GOUT, parts=1)
    path = store.path(manifest.ref, "topics-000.jsonl")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-5])
    installed.activate("joints@1")
    assert node.refresh()
    assert (await answer(node, "What is asthma?")).status is Status.ANSWERED
    assert "joints@1 is left out" in caplog.text


async def test_whatever_goes_wrong_with_a_change_the_old_knowledge_stays(
    node, put, installed, monkeypatch, caplog
):
    put("joints", GOUT)
    installed.activate("joints@1")

    def broken(*_args):
        raise RuntimeError("no memory")

    monkeypatch.setattr("services.consult.node._index", broken)
    assert not node.refresh()
    assert "goes on with the old" in caplog.text
    assert (await answer(node, "What is asthma?")).status is Status.ANSWERED


async def test_following_takes_up_changes_while_it_runs(node, put, installed):
    task = asyncio.create_task(node.follow(0.01))
    put("joints", GOUT)
    installed.activate("joints@1")
    for _ in range(500):
        await asyncio.sleep(0.02)
        if "gout" in node.index.knowledge.by_id:
            break
    task.cancel()
    assert "gout" in node.index.knowledge.by_id


def test_a_node_without_a_store_never_changes(embedder, triage_rules, node):
    alone = Node(Level.DEVICE, triage_rules, node.index)
    assert not alone.refresh()


@pytest.mark.parametrize("level", ["device", "clinic"])
def test_a_node_opens_with_the_bricks_of_its_folder(level, store, installed, put, monkeypatch):
    put("joints", topic("rare-joint-disease", what="A rare disease of joints."))
    installed.activate("joints@1")
    monkeypatch.setenv("CARETIER_ENGINE_KIND", "none")
    opened = Node.open(level, bricks=store.folder)
    assert "rare-joint-disease" in opened.index.knowledge.by_id
    assert "asthma" in opened.index.knowledge.by_id
