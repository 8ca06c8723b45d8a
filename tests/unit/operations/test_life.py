"""Made, updated, grown, retired: each step is measured, has its lineage, and changes no other."""

from __future__ import annotations

import datetime as dt

import pytest
from support.packs import MADE, topic

from compliance.errors import BadInputError
from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.manifest import Evaluation
from services.bricks.operations.content import PackContent, content_of, content_of_brick
from services.bricks.operations.errors import ContradictionsError, NoGainError
from services.bricks.operations.evaluate import (
    MOST_QUESTIONS,
    is_gain,
    is_harm,
    own_questions,
)
from services.bricks.operations.grow import grow
from services.bricks.operations.life import make, update
from services.bricks.operations.retire import retire
from services.bricks.serving import ActiveKnowledge, is_retired

GOUT = topic(
    "gout",
    what="Gout is a form of arthritis in a joint.",
    treatment="The usual dose is 500 mg of medicine daily with plenty of water.",
)
ACNE = topic("acne", what="Acne is a skin condition with pimples and spots.")
FLU = topic("flu", what="Flu is an infection of nose, throat and lungs.")


@pytest.fixture
def make_of(shop, pack):
    """Makes a brick of topics."""

    def made(id_, *topics, **fields):
        return make(
            shop, content_of(shop, pack(id_, *topics)), {"id": id_, "domain": "general", **fields}
        )

    return made


@pytest.fixture
def nothing_built_in(tmp_path, monkeypatch):
    (tmp_path / "built-in").mkdir()
    for module in ("knowledge", "serving"):
        monkeypatch.setattr(f"services.bricks.{module}.PACKS", tmp_path / "built-in")


def snapshot(store):
    return {p: p.read_bytes() for p in (store.folder / "manifests").rglob("*.json")}


class TestMake:
    def test_a_pack_becomes_version_1_with_sources_lineage_and_figures(self, make_of, store):
        done = make_of("leaflets", GOUT, ACNE)
        manifest = store.get("leaflets@1")
        assert done.manifest == manifest
        assert (manifest.kind, manifest.title, manifest.level) == (
            "knowledge",
            "Leaflets",
            "device",
        )
        assert (manifest.licence, manifest.languages) == ("CC BY 4.0", ("en",))
        assert [(s.name, s.date) for s in manifest.sources] == [("Leaflets", dt.date(2026, 1, 31))]
        assert (manifest.lineage.operation, manifest.lineage.parents) == ("made", ())
        assert manifest.created == MADE
        hits, odd = manifest.evaluations
        assert (hits.suite, hits.metric, hits.n) == ("own questions", "right passage among 3", 3)
        assert hits.value == 1.0
        assert (odd.metric, odd.value) == ("contradictions", 0)
        assert done.moved == manifest.size + len(manifest.canonical())

    def test_an_id_that_is_taken_is_refused(self, make_of):
        make_of("leaflets", GOUT)
        with pytest.raises(BrickError, match="There is a brick leaflets already"):
            make_of("leaflets", ACNE)

    def test_a_dry_run_keeps_nothing(self, shop, pack, store):
        done = make(
            shop, content_of(shop, pack("dry", GOUT)), {"id": "dry", "domain": "x"}, dry=True
        )
        assert done.manifest.ref == "dry@1"
        assert store.refs() == []

    def test_a_folder_of_neither_kind_says_what_makes_one(self, shop, tmp_path):
        with pytest.raises(BrickError) as caught:
            content_of(shop, tmp_path / "nothing")
        assert "caretier bricks ingest" in caught.value.advice

    def test_the_content_of_a_brick_is_what_it_was_made_of(self, make_of, shop, store):
        make_of("leaflets", GOUT, ACNE)
        content = content_of_brick(shop, store.get("leaflets@1"))
        assert isinstance(content, PackContent)
        assert {t.head.id for t in content.topics} == {"gout", "acne"}


class TestUpdate:
    def test_more_knowledge_is_a_gain_and_becomes_the_next_version(
        self, make_of, shop, pack, store
    ):
        make_of("leaflets", GOUT)
        before = snapshot(store)
        done = update(shop, "leaflets", content_of(shop, pack("v2", GOUT, ACNE, id_="leaflets")))
        manifest = store.get("leaflets@2")
        assert manifest.lineage.operation == "updated"
        assert manifest.lineage.parents == ("leaflets@1",)
        assert done.changed == {"added": ["acne"], "changed": [], "removed": []}
        hits = manifest.evaluations[0]
        assert hits.before < hits.value == 1.0
        assert before.items() <= snapshot(store).items()  # version 1 is as it was

    def test_what_is_no_better_is_refused_with_the_figures(self, make_of, shop, pack, store):
        make_of("leaflets", GOUT, ACNE)
        other = topic("acne", what="Acne is a condition of the skin with pimples and spots.")
        content = content_of(shop, pack("v2", GOUT, other, id_="leaflets"))
        with pytest.raises(
            NoGainError, match=r"right passage among 3 of own questions 1 \(before 1\)"
        ):
            update(shop, "leaflets", content)
        assert store.refs() == ["leaflets@1"]

    def test_what_is_no_better_is_taken_when_somebody_says_why(self, make_of, shop, pack):
        make_of("leaflets", GOUT)
        content = content_of(shop, pack("v2", GOUT, id_="leaflets"))
        done = update(shop, "leaflets", content, accept="a link was mended", note="links")
        assert done.manifest.lineage.note == "links; taken because: a link was mended"

    def test_a_contradiction_that_came_in_is_worse_however_much_is_found(self, make_of, shop, pack):
        make_of("leaflets", GOUT)
        odd = topic(
            "gouty-arthritis",
            treatment="The usual dose is 900 mg of medicine daily with plenty of water.",
        )
        odd = type(odd)(odd.head.model_copy(update={"aliases": ("gout",)}), odd.passages)
        content = content_of(shop, pack("v2", GOUT, ACNE, odd, id_="leaflets"))
        with pytest.raises(NoGainError, match="contradictions of comparison 1"):
            update(shop, "leaflets", content)

    def test_a_brick_that_is_not_there_cannot_be_updated(self, shop, pack):
        with pytest.raises(BrickUnknownError):
            update(shop, "nothing", content_of(shop, pack("leaflets", GOUT)))

    def test_a_changed_licence_and_title_are_those_of_the_new_content(self, make_of, shop, pack):
        make_of("leaflets", GOUT)
        folder = pack("v2", GOUT, ACNE, id_="leaflets", licence="CC0", title="New leaflets")
        manifest = update(shop, "leaflets", content_of(shop, folder)).manifest
        assert (manifest.licence, manifest.title) == ("CC0", "New leaflets")


class TestGrow:
    @pytest.fixture
    def parent(self, make_of):
        return make_of("general-care", GOUT, ACNE).manifest

    def test_a_child_names_its_parent_which_stays_as_it_is_to_the_byte(
        self, parent, shop, pack, store
    ):
        before = snapshot(store)
        content = content_of(shop, pack("lungs", FLU))
        done = grow(shop, parent.ref, content, {"id": "lungs", "sub_domain": "lungs"})
        manifest = done.manifest
        assert (manifest.parent, manifest.lineage.parents) == (parent.ref, (parent.ref,))
        assert (manifest.domain, manifest.sub_domain) == ("general", "lungs")
        assert manifest.lineage.operation == "grown"
        assert manifest.evaluations[0].before < manifest.evaluations[0].value
        assert before.items() <= snapshot(store).items()
        store.verify(parent.ref)

    def test_a_field_that_another_brick_has_is_refused(self, parent, shop, pack):
        content = content_of(shop, pack("lungs", FLU))
        grow(shop, parent.ref, content, {"id": "lungs", "sub_domain": "lungs"})
        other = content_of(shop, pack("more", topic("asthma")))
        with pytest.raises(BrickError, match="lungs@1 is for general/lungs already"):
            grow(shop, parent.ref, other, {"id": "more", "sub_domain": "lungs"})

    def test_a_retired_brick_leaves_its_field_free(self, parent, shop, pack):
        content = content_of(shop, pack("lungs", FLU))
        grow(shop, parent.ref, content, {"id": "lungs", "sub_domain": "lungs"})
        retire(shop, "lungs", "made anew")
        other = content_of(shop, pack("more", topic("asthma")))
        assert grow(shop, parent.ref, other, {"id": "more", "sub_domain": "lungs"})

    def test_a_child_has_to_name_its_own_field(self, parent, shop, pack):
        with pytest.raises(BrickError, match="name its own sub-domain"):
            grow(shop, parent.ref, content_of(shop, pack("lungs", FLU)), {"id": "lungs"})

    def test_a_topic_that_the_parent_holds_is_refused(self, parent, shop, pack):
        content = content_of(shop, pack("more", GOUT, FLU))
        with pytest.raises(BrickError, match="holds gout already"):
            grow(shop, parent.ref, content, {"id": "more", "sub_domain": "more"})

    def test_a_child_that_contradicts_its_parent_is_refused(self, parent, shop, pack):
        odd = topic(
            "gout-care",
            treatment="The usual dose is 900 mg of medicine daily with plenty of water.",
        )
        odd = type(odd)(odd.head.model_copy(update={"aliases": ("gout",)}), odd.passages)
        content = content_of(shop, pack("more", odd))
        with pytest.raises(ContradictionsError) as caught:
            grow(shop, parent.ref, content, {"id": "more", "sub_domain": "more"})
        (found,) = caught.value.findings
        assert {found.left.passage, found.right.passage} == {
            "gout#treatment",
            "gout-care#treatment",
        }


class TestRetire:
    def test_a_retired_brick_says_why_and_is_out_of_every_answer(
        self, make_of, shop, installed, nothing_built_in
    ):
        make_of("leaflets", GOUT)
        installed.activate("leaflets@1")
        active = ActiveKnowledge("device", shop.store, installed)
        assert [t.head.id for t in active.load().topics] == ["gout"]
        done = retire(shop, "leaflets", "The publisher took it back.")
        assert is_retired(done.manifest)
        assert done.manifest.lineage.note == "The publisher took it back."
        assert done.moved < 2000
        installed.activate("leaflets@2")
        assert active.changed()
        assert active.load().topics == ()

    def test_a_retired_brick_cannot_be_retired_updated_or_grown_from(self, make_of, shop, pack):
        make_of("leaflets", GOUT)
        retire(shop, "leaflets", "over")
        with pytest.raises(BrickError, match="retired already: over"):
            retire(shop, "leaflets", "again")
        content = content_of(shop, pack("v2", ACNE, id_="leaflets"))
        with pytest.raises(BrickError, match="was retired: over"):
            update(shop, "leaflets", content)
        with pytest.raises(BrickError, match="was retired: over"):
            grow(shop, "leaflets@2", content, {"id": "more", "sub_domain": "more"})

    def test_a_retired_topic_is_gone_and_the_others_stay(self, make_of, shop, store):
        make_of("leaflets", GOUT, ACNE)
        done = retire(shop, "leaflets", "wrong dose", ["gout"])
        assert done.changed["removed"] == ["gout"]
        assert done.manifest.lineage.note == "gout: wrong dose"
        left = content_of_brick(shop, store.get("leaflets@2"))
        assert [t.head.id for t in left.topics] == ["acne"]

    def test_an_update_cannot_bring_a_retired_topic_back_by_chance(
        self, make_of, shop, pack, store
    ):
        make_of("leaflets", GOUT, ACNE)
        retire(shop, "leaflets", "wrong dose", ["gout"])
        content = content_of(shop, pack("v3", GOUT, ACNE, FLU, id_="leaflets"))
        with pytest.raises(BrickError, match="topics that were retired: gout"):
            update(shop, "leaflets", content)
        good = content_of(shop, pack("v4", ACNE, FLU, id_="leaflets"))
        update(shop, "leaflets", good)
        with pytest.raises(BrickError, match="topics that were retired: gout"):  # nor later
            update(shop, "leaflets", content)
        done = update(shop, "leaflets", content, restore=["gout"])
        assert done.changed["added"] == ["gout"]

    def test_a_retirement_has_to_say_why(self, make_of, shop):
        make_of("leaflets", GOUT)
        with pytest.raises(BadInputError):
            retire(shop, "leaflets", " ")

    def test_a_topic_that_is_not_there_is_named(self, make_of, shop):
        make_of("leaflets", GOUT)
        with pytest.raises(BrickError, match="holds no topic flu"):
            retire(shop, "leaflets", "x", ["flu"])

    def test_the_last_topic_goes_with_the_brick_only(self, make_of, shop):
        make_of("leaflets", GOUT)
        with pytest.raises(BrickError, match="retire the brick itself"):
            retire(shop, "leaflets", "x", ["gout"])


class TestMeasure:
    def test_what_a_change_is_about_is_asked_before_everything_else(self):
        many = [topic(f"topic-{n}", what="Known.") for n in range(300)]
        asked = own_questions([*many, GOUT], first=["gout#treatment"])
        assert len(asked) == MOST_QUESTIONS
        assert asked[0].passage == "gout#treatment"
        assert asked[0].text == "How is Gout treated?"
        assert own_questions(reversed(many)) == own_questions(many)

    def test_an_addition_to_a_large_pack_counts_though_not_everything_is_asked(
        self, make_of, shop, pack, monkeypatch
    ):
        monkeypatch.setattr("services.bricks.operations.evaluate.MOST_QUESTIONS", 4)
        many = [topic(name) for name in ("acne", "flu", "mumps", "stye", "warts", "vertigo")]
        make_of("leaflets", *many)
        done = update(shop, "leaflets", content_of(shop, pack("leaflets", *many, GOUT)))
        assert done.manifest.evaluations[0].n == 4

    def test_questions_are_asked_in_the_language_of_the_pack(self):
        spanish = [q.text for q in own_questions([GOUT], "es")]
        assert sorted(spanish) == ["¿Cómo se trata Gout?", "¿Qué es Gout?"]

    @pytest.mark.parametrize(
        ("metric", "value", "before", "gain", "harm"),
        [
            ("right passage among 3", 0.9, 0.8, True, False),
            ("right passage among 3", 0.8, 0.8, False, False),
            ("right passage among 3", 0.7, 0.8, False, True),
            ("contradictions", 1, 2, True, False),
            ("contradictions", 2, 1, False, True),
            ("perplexity", 103.0, 100.0, False, False),
            ("perplexity", 106.0, 100.0, False, True),
            ("perplexity", 90.0, 100.0, True, False),
            ("perplexity", 90.0, None, False, False),
        ],
    )
    def test_a_gain_is_better_somewhere_and_worse_nowhere(self, metric, value, before, gain, harm):
        told = [
            Evaluation(suite="s", metric=metric, value=value, before=before, n=1, date=MADE.date())
        ]
        assert (is_gain(told), is_harm(told)) == (gain, harm)
