"""What a node uses of its bricks: active knowledge beside its packs, whatever is wrong with one."""

from __future__ import annotations

import pytest
from support.packs import MADE, topic

from services.bricks.knowledge import Knowledge
from services.bricks.serving import ActiveKnowledge, active_adapters, active_packs

BASE = f"sha256:{'b' * 64}"


@pytest.fixture
def built_in(tmp_path, monkeypatch):
    """A folder of built-in packs with one pack, ``basics``, of one topic."""
    folder = tmp_path / "built-in"
    (folder / "basics").mkdir(parents=True)
    (folder / "basics" / "flu.md").write_text(
        "---\nid: flu\ntitle: Flu\nkind: disease\nwritten: 2026-01-01\nsources:\n"
        "  - name: CDC\n    url: https://www.cdc.gov/flu\n---\n## what\nFlu is an infection.\n"
    )
    monkeypatch.setattr("services.bricks.serving.PACKS", folder)
    monkeypatch.setattr("services.bricks.knowledge.PACKS", folder)
    return folder


@pytest.fixture
def active(store, installed, built_in):
    return ActiveKnowledge("device", store, installed)


def ids(knowledge):
    return sorted(t.head.id for t in knowledge.topics)


def damage(store, ref, name="topics-000.jsonl"):
    path = store.path(ref, name)
    path.chmod(0o644)
    path.write_bytes(b"x" * path.stat().st_size)


def test_a_node_without_bricks_knows_what_its_packs_hold(active):
    assert ids(active.load()) == ["flu"]
    assert not active.changed()


def test_an_active_brick_is_known_beside_the_packs(active, put, installed):
    active.load()
    put("heart", topic("angina"))
    assert not active.changed()  # it is there, and not in use
    installed.activate("heart@1")
    assert active.changed()
    assert ids(active.load()) == ["angina", "flu"]
    assert not active.changed()


def test_knowledge_can_be_loaded_from_the_folders_of_active_bricks(store, put, installed):
    put("heart", topic("angina"), topic("stroke", level="hospital"))
    installed.activate("heart@1")
    (folder,) = active_packs(store, installed)
    assert ids(Knowledge.load("device", folder)) == ["angina"]
    assert ids(Knowledge.load("hospital", folder)) == ["angina", "stroke"]


def test_a_later_version_takes_the_place_of_the_one_before(active, put, installed):
    put("heart", topic("angina"), topic("stroke"))
    put("heart", topic("angina"), version=2)
    installed.activate("heart@1")
    assert ids(active.load()) == ["angina", "flu", "stroke"]
    installed.activate("heart@2")
    assert ids(active.load()) == ["angina", "flu"]


def test_a_brick_of_a_packs_name_stands_in_its_place(active, put, installed):
    put("basics", topic("flu", what="Flu is a virus."))
    installed.activate("basics@1")
    (flu,) = active.load().topics
    assert flu.passages[0].text == "Flu is a virus."


def test_a_retired_brick_says_nothing_nor_does_the_pack_of_its_name(active, put, installed):
    put("basics", topic("flu"), operation="retired")
    installed.activate("basics@1")
    assert active.load().topics == ()
    assert active.left_out == {}


def test_a_damaged_brick_is_left_out_and_the_rest_is_known(active, store, put, installed, caplog):
    put("heart", topic("angina"), parts=1)
    put("skin", topic("acne"))
    installed.activate("heart@1")
    installed.activate("skin@1")
    damage(store, "heart@1")
    assert ids(active.load()) == ["acne", "flu"]
    assert "damaged" in active.left_out["heart@1"]
    assert "heart@1 is left out" in caplog.text


def test_a_brick_that_was_mended_is_taken_up_without_another_version(
    active, store, put, installed, tmp_path
):
    manifest = put("heart", topic("angina"), parts=1)
    installed.activate("heart@1")
    damage(store, "heart@1")
    active.load()
    assert not active.changed()
    folder = tmp_path / "made" / "heart-1"
    store.add(manifest, {file.name: folder / file.name for file in manifest.files})
    assert active.changed()
    assert ids(active.load()) == ["angina", "flu"]


def test_a_damaged_brick_does_not_bring_back_the_pack_that_it_replaced(
    active, store, put, installed
):
    put("basics", topic("flu"), parts=1)
    installed.activate("basics@1")
    damage(store, "basics@1")
    assert active.load().topics == ()


def test_a_brick_whose_topic_is_there_already_is_left_out_and_not_tried_again(
    active, put, installed
):
    put("other", topic("flu"), topic("gout"))
    installed.activate("other@1")
    assert ids(active.load()) == ["flu"]
    assert active.left_out == {"other@1": "The topic flu is there already."}
    assert not active.changed()


def test_a_version_in_use_that_is_not_here_is_left_out(active, put, installed, store):
    put("heart", topic("angina"))
    installed.activate("heart@1")
    store.remove("heart@1")
    assert ids(active.load()) == ["flu"]
    assert "heart@1" in active.left_out


def test_where_it_is_not_known_what_is_in_use_no_brick_is_used(active, put, installed):
    put("heart", topic("angina"))
    put("basics", topic("flu"))
    installed.activate("heart@1")
    installed.path.write_text("{")
    assert active.load().topics == ()
    assert "*" in active.left_out
    assert not active.changed()


def test_a_revoked_brick_is_known_no_more(active, put, installed):
    put("heart", topic("angina"))
    installed.activate("heart@1")
    active.load()
    installed.revoke({"heart@1": "wrong dose"})
    assert active.changed()
    assert ids(active.load()) == ["flu"]


@pytest.fixture
def adapter(store, tmp_path):
    def made(id_, **files):
        named = {}
        for name, (role, raw) in files.items():
            path = tmp_path / f"{id_}-{name}"
            path.write_bytes(raw)
            named[f"peft/{name}" if role == "peft" else name] = (path, role)
        fields = {
            "id": id_,
            "version": 1,
            "kind": "adapter",
            "title": id_,
            "level": "clinic",
            "domain": "general",
            "base": BASE,
            "rank": 8,
            "licence": "Apache-2.0",
            "created": MADE,
            "lineage": {"operation": "made"},
        }
        return store.make(fields, named)

    return made


def test_an_active_adapter_comes_in_the_form_that_the_engine_wants(store, installed, adapter):
    adapter(
        "style",
        **{"config.json": ("peft", b"{}"), "model.safetensors": ("peft", b"weights")},
        gguf=("gguf", b"GGUF"),
    )
    installed.activate("style@1")
    (gguf,) = [one.file for one in active_adapters(store, installed, "gguf", BASE).fit]
    (peft,) = [one.file for one in active_adapters(store, installed, "peft", BASE).fit]
    assert (gguf.name, gguf.base, gguf.rank) == ("style@1", BASE, 8)
    assert gguf.path.read_bytes() == b"GGUF"
    assert (peft.path / "model.safetensors").read_bytes() == b"weights"
    assert peft.digest == store.get("style@1").files[2].digest


def test_an_adapter_that_is_not_there_in_this_form_is_left_out(store, installed, adapter, caplog):
    adapter("style", gguf=("gguf", b"GGUF"))
    installed.activate("style@1")
    found = active_adapters(store, installed, "peft", BASE)
    assert (found.fit, found.left_out) == ((), {"style@1": "It is not there as peft."})
    assert "not there as peft" in caplog.text


def test_an_adapter_of_another_model_is_never_given_to_the_engine(store, installed, adapter):
    adapter("style", gguf=("gguf", b"GGUF"))
    installed.activate("style@1")
    found = active_adapters(store, installed, "gguf", f"sha256:{'c' * 64}")
    assert found.fit == ()
    assert "trained on another model (sha256:bbbbbb" in found.left_out["style@1"]


def test_a_damaged_adapter_is_left_out(store, installed, adapter):
    adapter("style", gguf=("gguf", b"GGUF"))
    adapter("tone", gguf=("gguf", b"TONE"))
    installed.activate("style@1")
    installed.activate("tone@1")
    damage(store, "style@1", "gguf")
    found = active_adapters(store, installed, "gguf", BASE)
    assert [one.manifest.ref for one in found.fit] == ["tone@1"]
    assert "style@1" in found.left_out
