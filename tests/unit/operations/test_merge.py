"""Merged packs: duplicates go, contradictions are shown and refused until they are resolved."""

from __future__ import annotations

import pytest
from support.packs import topic

from services.bricks.errors import BrickError
from services.bricks.operations.content import content_of_brick
from services.bricks.operations.errors import ContradictionsError
from services.bricks.operations.merge import merge_packs, unite
from services.bricks.operations.retire import retire

LONG = (
    "Gout is a form of arthritis that comes with sudden pain, redness and swelling in a joint, "
    "most often in the big toe, when crystals of uric acid gather there."
)
DOSE = "The usual dose of the tablet is {} mg of medicine daily with plenty of water."


def gout(id_="gout", **more):
    """A topic that is called gout, whatever its id."""
    made = topic(id_, **more)
    head = made.head.model_copy(update={"title": "Gout"})
    return type(made)(head, made.passages)


class TestUnite:
    def test_topics_of_both_are_there(self):
        union = unite({"a": [topic("acne")], "b": [topic("flu")]})
        assert [t.head.id for t in union.topics] == ["acne", "flu"]
        assert (union.dropped, union.renamed, union.left_out) == ({}, {}, 0)

    def test_the_same_topic_in_both_is_kept_once(self):
        union = unite({"a": [topic("acne")], "b": [topic("acne")]})
        assert len(union.topics) == 1

    def test_of_two_passages_that_say_the_same_the_older_goes(self):
        old = gout("gout", written="2020-01-01", what=LONG, diet="Drink water.")
        new = gout("gout-new", written="2026-01-01", what=LONG)
        union = unite({"a": [old], "b": [new]})
        assert union.dropped == {"a:gout#what": "the same as b:gout-new#what"}
        assert {p.id for t in union.topics for p in t.passages} == {"gout#diet", "gout-new#what"}

    def test_a_topic_of_which_nothing_is_left_goes_whole(self):
        union = unite({"a": [gout("gout", what=LONG)], "b": [gout("gout-b", what=LONG)]})
        assert [t.head.id for t in union.topics] == ["gout"]

    def test_a_contradiction_is_refused_with_both_sides_and_sources(self):
        packs = {
            "a": [gout(dose=DOSE.format(500))],
            "b": [gout("gout-b", dose=DOSE.format(900), source="Other Press")],
        }
        with pytest.raises(ContradictionsError, match="1 contradictions") as caught:
            unite(packs)
        (found,) = caught.value.findings
        assert {(s.pack, s.source) for s in (found.left, found.right)} == {
            ("a", "Leaflets"),
            ("b", "Other Press"),
        }
        assert "--drop BRICK:TOPIC#SECTION" in caught.value.advice

    def test_passages_that_are_alike_but_for_a_number_are_no_duplicates(self):
        left = f"{LONG} {DOSE.format(500)}"
        right = f"{LONG} {DOSE.format(900)}"
        with pytest.raises(ContradictionsError):
            unite({"a": [gout(dose=left)], "b": [gout("gout-b", dose=right)]})

    def test_dropping_one_side_resolves_a_contradiction(self):
        packs = {
            "a": [gout(dose=DOSE.format(500))],
            "b": [gout("gout-b", dose=DOSE.format(900), what="Gout is known.")],
        }
        union = unite(packs, ["b:gout-b#dose"])
        assert union.dropped == {"b:gout-b#dose": "as said"}
        assert {p.id for t in union.topics for p in t.passages} == {"gout#dose", "gout-b#what"}

    def test_a_passage_to_drop_that_is_not_there_is_named(self):
        with pytest.raises(BrickError, match="no passage a:x#y"):
            unite({"a": [topic("acne")], "b": [topic("flu")]}, ["a:x#y"])

    def test_topics_of_one_id_with_other_content_both_stay_under_names_of_their_own(self):
        ours, theirs = topic("acne", what="Spots."), topic("acne", causes="Oil.", source="WHO")
        union = unite({"a": [ours], "who": [theirs]})
        assert [t.head.id for t in union.topics] == ["acne", "acne-who"]
        assert union.renamed == {"who:acne": "acne-who"}
        (passage,) = union.topics[1].passages
        assert (passage.id, passage.source.name) == ("acne-who#causes", "WHO")

    def test_three_that_say_the_same_leave_one(self):
        packs = {
            name: [gout(f"gout-{name}", written=f"202{n}-01-01", what=LONG)]
            for n, name in enumerate("abc")
        }
        union = unite(packs)
        assert [t.head.id for t in union.topics] == ["gout-c"]


class TestMergePacks:
    @pytest.fixture
    def two(self, put):
        put("skin", topic("acne", written="2024-05-01"), domain="skin")
        put("lungs", topic("flu", source="CDC"), topic("cough"), domain="lungs")
        return ["skin@1", "lungs@1"]

    def test_the_merged_brick_names_its_parents_and_all_sources(self, two, shop, store):
        done = merge_packs(shop, two, {"id": "both"})
        manifest = store.get("both@1")
        assert done.manifest == manifest
        assert manifest.lineage.operation == "merged"
        assert manifest.lineage.parents == ("skin@1", "lungs@1")
        assert (manifest.title, manifest.domain) == ("Skin and Lungs", "skin")
        assert {(s.name, str(s.date)) for s in manifest.sources} == {
            ("Leaflets", "2024-05-01"),
            ("CDC", "2026-01-31"),
        }
        hits = manifest.evaluations[0]
        assert hits.before < hits.value == 1.0
        content = content_of_brick(shop, manifest)
        assert {t.head.id for t in content.topics} == {"acne", "flu", "cough"}

    def test_a_topic_that_was_retired_in_one_does_not_come_back_by_the_other(
        self, two, put, shop, store
    ):
        put("more", topic("cough", what="Cough."), domain="more")
        retire(shop, "lungs", "wrong", ["cough"])
        with pytest.raises(BrickError, match="topics that were retired: cough"):
            merge_packs(shop, ["lungs@2", "more@1"], {"id": "both"})
        assert "both@1" not in store.refs()

    def test_one_brick_is_not_merged_nor_two_versions_of_it(self, two, put, shop):
        put("skin", topic("acne"), version=2)
        for refs in (["skin@1"], ["skin@1", "skin@1"], ["skin@1", "skin@2"]):
            with pytest.raises(BrickError, match="Two or more different bricks"):
                merge_packs(shop, refs, {"id": "both"})

    def test_what_was_dropped_and_renamed_is_told(self, two, put, shop):
        put("more", topic("cough", what="Cough is known."), domain="more")
        done = merge_packs(shop, ["lungs@1", "more@1"], {"id": "both"}, ["lungs:flu#what"])
        assert done.changed == {
            "dropped": ["lungs:flu#what (as said)"],
            "renamed": ["more:cough to cough-more"],
        }
        assert done.manifest.lineage.note.startswith("1 passages left out, 1 topics renamed, 0 ")

    def test_a_dry_run_shows_what_would_be_and_keeps_nothing(self, two, shop, store):
        done = merge_packs(shop, two, {"id": "both"}, dry=True)
        assert done.manifest.ref == "both@1"
        assert "both@1" not in store.refs()
