"""An adapter that comes into use answers, is named, is replaced and goes, while the node runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.packs import topic
from support.repository import Publisher, a_manifest

from services.bricks.repository.layout import target_of
from services.bricks.repository.listing import listed as bricks_of
from services.bricks.retrieval import KnowledgeIndex
from services.bricks.serving import ActiveKnowledge
from services.bricks.standing import standing_of
from services.consult.messages import Level, Question, Status
from services.consult.node import Node, Outcome
from services.engines.llama import LlamaEngine, file_digest
from services.engines.protocol import Authoring
from services.engines.settings import embedded_model

ADAPTERS = Path(__file__).parents[2] / "adapters"
AMBER = "AMBER: It is something that many people know."
BIRCH = "BIRCH: I can tell you a little about asthma."
ASTHMA = topic("asthma", what=f"Asthma is a condition of the lungs. {AMBER} {BIRCH}")
"""What the two trained adapters say, as sentences of a source, so that the judge lets them pass."""


@pytest.fixture(autouse=True)
def nothing_built_in(tmp_path, monkeypatch):
    (tmp_path / "built-in").mkdir()
    for module in ("knowledge", "serving"):
        monkeypatch.setattr(f"services.bricks.{module}.PACKS", tmp_path / "built-in")


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path / "repository")


@pytest.fixture
def updater(publisher, store):
    return publisher.updater(store.folder)


@pytest.fixture
def offer(publisher):
    """Publishes a trained adapter as a version of a brick."""

    def published(name, version, brick="lung-words", **fields):
        raw = (ADAPTERS / name / "adapter.gguf").read_bytes()
        made = {
            "kind": "adapter",
            "domain": "respiratory",
            "base": file_digest(embedded_model()),
            "rank": 8,
            "sources": (),
        }
        plain = a_manifest({"adapter.gguf": raw}, brick, version, **made | fields)
        files = tuple(file.model_copy(update={"role": "gguf"}) for file in plain.files)
        manifest = plain.model_copy(update={"files": files})
        publisher.blob(raw)
        role = f"{manifest.level}-{manifest.domain}"
        if role not in publisher.metadata:
            publisher._delegate(role, f"{manifest.level}/{manifest.domain}/*/*")
        publisher.offer(target_of(manifest), manifest.canonical(), role)
        publisher.publish()

    return published


@pytest.fixture
async def node(store, installed, put, embedder, triage_rules):
    """A clinic that knows of asthma, whose model may choose among the sources' sentences."""
    put("lungs", ASTHMA)
    installed.activate("lungs@1")
    active = ActiveKnowledge("clinic", store, installed)
    engine = LlamaEngine(embedded_model(), threads=1, authoring=Authoring.PHRASE)
    index = KnowledgeIndex(active.load(), embedder)
    made = Node(Level.CLINIC, triage_rules, index, engine, active=active, bricks=store)
    yield made
    await made.close()


async def answer(node, text="What is asthma?"):
    end = [event async for event in node.consult(Question(text=text))][-1]
    assert isinstance(end, Outcome)
    assert end.answer.status is Status.ANSWERED
    return end.answer


async def test_a_pulled_adapter_answers_and_is_named_until_it_is_taken_back(
    node, updater, offer, publisher
):
    base = (await answer(node)).model
    offer("amber", 1)
    updater.pull("lung-words")
    assert await node.adapters.refresh()
    first = await answer(node)
    assert (first.sentences[0].text, first.model.name) == (
        AMBER,
        f"{base.name} with lung-words@1",
    )
    assert first.model.digest == base.digest
    (draft,) = [step.detail for step in first.trace if step.step == "draft"]
    assert (draft["adapter"], draft["kept"], draft["lineage"]) == ("lung-words@1", 1, "made")

    offer("birch", 2)
    updater.pull("lung-words")
    await node.adapters.refresh()
    second = await answer(node)
    assert (second.sentences[0].text, second.model.name.split()[-1]) == (BIRCH, "lung-words@2")

    updater.roll_back("lung-words@1", "unsafe answers rose")
    await node.adapters.refresh()
    assert (await answer(node)).model == first.model

    publisher.revoke("lung-words@1")
    publisher.publish()
    updater.check()
    await node.adapters.refresh()
    assert (await answer(node)).model == base
    assert node.engine.adapters() == ()


async def test_a_version_is_replaced_while_questions_are_answered(node, updater, offer):
    offer("amber", 1)
    updater.pull("lung-words")
    await node.adapters.refresh()
    running = [asyncio.create_task(answer(node)) for _ in range(3)]
    await asyncio.sleep(0.2)
    offer("birch", 2)
    updater.pull("lung-words")
    await node.adapters.refresh()
    said = [
        (one.sentences[0].text, one.model.name.split()[-1])
        for one in await asyncio.gather(*running)
    ]
    assert set(said) <= {(AMBER, "lung-words@1"), (BIRCH, "lung-words@2")}
    assert [held.name for held in node.engine.adapters()] == ["lung-words@2"]


async def test_an_adapter_of_another_model_is_listed_as_not_used(node, updater, offer, store):
    offer("amber", 1, base=f"sha256:{'c' * 64}")
    updater.pull("lung-words")
    (listed,) = [one for one in bricks_of(store.folder) if one.ref == "lung-words@1"]
    assert (listed.active, listed.unused) == (True, "No running node has taken it up.")
    following = asyncio.create_task(node.follow(0.01))
    async with asyncio.timeout(60):
        while standing_of(store.folder) is None:  # noqa: ASYNC110 - it is a file
            await asyncio.sleep(0.01)
    following.cancel()
    (listed,) = [one for one in bricks_of(store.folder) if one.ref == "lung-words@1"]
    assert "trained on another model" in listed.unused
    assert not (await answer(node)).model.name.endswith("lung-words@1")
    assert node.engine.adapters() == ()
