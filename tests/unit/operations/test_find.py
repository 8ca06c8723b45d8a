"""Bricks found by need: what it fixes decides first, then its words, and all have reasons."""

from __future__ import annotations

import pytest
from support.packs import MADE, topic

from compliance.errors import BadInputError
from services.bricks.knowledge import Knowledge
from services.bricks.operations.find import NEAR, Need, find, need_of
from services.bricks.operations.life import Done
from services.bricks.operations.retire import retire

BASE, OTHER = (f"sha256:{letter * 64}" for letter in "ab")


@pytest.fixture
def bricks(put, store, tmp_path):
    put("general-care", topic("acne"), topic("flu"), domain="general")
    put("cardiology", topic("angina"), topic("heart-failure"), domain="cardiology")
    put(
        "heart-failure",
        topic("heart-failure-care"),
        domain="cardiology",
        sub_domain="heart-failure",
        parent="cardiology@1",
    )
    put("ward", topic("ward-round", level="hospital"), domain="wards")
    weights = tmp_path / "adapter.gguf"
    weights.write_bytes(b"x" * 5000)
    fields = {
        "id": "plain-words",
        "version": 1,
        "kind": "adapter",
        "title": "Plain words",
        "level": "device",
        "domain": "style",
        "base": BASE,
        "rank": 8,
        "licence": "Apache-2.0",
        "created": MADE,
        "lineage": {"operation": "made"},
    }
    store.make(fields, {"adapter.gguf": (weights, "gguf")})


def refs(found):
    return [match.manifest.ref for match in found.matches]


def test_words_find_the_brick_by_its_topics_and_say_which(bricks, shop):
    found = find(shop, Need("angina"))
    assert refs(found) == ["cardiology@1"]
    assert "“Angina” is near to it by 1.00" in found.matches[0].reasons
    assert "nothing in it is near" in found.rejected["general-care@1"]


def test_a_narrower_brick_names_the_parents_to_use_with_it(bricks, shop):
    found = find(shop, Need("heart failure", domain="cardiology"))
    assert set(refs(found)) == {"cardiology@1", "heart-failure@1"}
    child = next(m for m in found.matches if m.manifest.id == "heart-failure")
    assert child.parents == ("cardiology@1",)
    assert refs(found)[0] == "heart-failure@1"


@pytest.mark.parametrize(
    ("need", "fits", "ref", "reason"),
    [
        (Need(kind="adapter"), ["plain-words@1"], "ward@1", "is of kind knowledge"),
        (Need(level="device", kind="knowledge"), None, "ward@1", "is for the hospital"),
        (Need(language="es"), [], "cardiology@1", "is in en"),
        (Need(domain="heart-failure"), ["heart-failure@1"], "cardiology@1", "is for cardiology"),
        (Need(base=OTHER, kind="adapter"), [], "plain-words@1", "belongs to another base model"),
        (Need(room=5000, kind="adapter"), ["plain-words@1"], "ward@1", "is of kind knowledge"),
        (Need(room=4999), None, "plain-words@1", "takes 5.0 kB of the 5.0 kB there are"),
    ],
)
@pytest.mark.usefixtures("bricks")
def test_what_a_need_fixes_rejects_with_the_reason(shop, need, fits, ref, reason):
    found = find(shop, need)
    assert reason in found.rejected[ref]
    assert fits is None or refs(found) == fits


def test_every_brick_is_found_or_rejected_by_its_latest_version(bricks, put, shop):
    put("ward", topic("ward-round", level="hospital"), domain="wards", version=2)
    found = find(shop, Need(level="device"))
    assert {*refs(found), *found.rejected} == {
        "general-care@1",
        "cardiology@1",
        "heart-failure@1",
        "plain-words@1",
        "ward@2",
    }


def test_a_retired_brick_is_rejected_with_the_reason_of_its_end(bricks, shop):
    assert isinstance(retire(shop, "ward", "ward closed"), Done)
    assert find(shop, Need("ward round")).rejected["ward@2"] == "retired: ward closed"


def test_a_damaged_brick_is_judged_by_what_its_manifest_says(bricks, shop, store):
    for file in store.get("cardiology@1").files:
        path = store.blob(file.digest)
        path.chmod(0o644)
        path.write_bytes(b"x")
    assert "nothing in it is near" in find(shop, Need("angina")).rejected["cardiology@1"]


def test_figures_are_told_as_a_reason(bricks, shop, pack):
    from services.bricks.operations.content import content_of
    from services.bricks.operations.life import make

    make(shop, content_of(shop, pack("eyes", topic("stye"))), {"id": "eyes", "domain": "eyes"})
    (match,) = find(shop, Need(domain="eyes")).matches
    assert "right passage among 3 of own questions: 1 (n = 1)" in match.reasons


def test_of_a_brick_with_many_topics_those_that_share_a_word_are_looked_at(put, shop, monkeypatch):
    monkeypatch.setattr("services.bricks.operations.find.MOST_NAMES", 4)
    put("big", *(topic(f"illness-{n}") for n in range(30)), topic("zoster"), domain="general")
    assert refs(find(shop, Need("zoster"))) == ["big@1"]


def test_an_empty_store_finds_nothing(shop):
    found = find(shop, Need("anything"))
    assert (found.matches, found.rejected) == ((), {})


def test_a_kind_or_tier_that_is_none_is_refused():
    options = {"kind": None, "level": None, "language": None, "domain": None, "room": None}
    with pytest.raises(BadInputError, match="There is no gadget"):
        need_of("x", **options | {"kind": "gadget"})
    assert need_of(" x ", **options | {"room": 1.5e6}) == Need("x", room=1_500_000)


HEALTH = """my chest hurts when I climb stairs|blood sugar control|care of people with weak hearts
drug interactions for thinners of the blood|itchy red skin on elbows|how to stop smoking
advice for a pregnant woman who vomits|common illnesses of children|joint pain in fingers"""
OTHERS = """tax return for the self-employed|how to repair a bicycle chain|programming in Python
history of the Roman empire|translate legal contracts|weather in Berlin tomorrow|stock prices
recipes for apple cake|railway timetables"""


def test_health_needs_in_other_words_are_near_and_other_matters_are_not(embedder):
    """The bound of `NEAR`, with the real model and the titles of the built-in pack."""
    topics = Knowledge.load("hospital").topics
    titles = embedder.encode(["Primary care", "general", *(t.head.title for t in topics)])

    def nearest(texts):
        return (embedder.encode(texts.replace("\n", "|").split("|")) @ titles.T).max(axis=1)

    assert nearest(HEALTH).min() > NEAR > nearest(OTHERS).max()
