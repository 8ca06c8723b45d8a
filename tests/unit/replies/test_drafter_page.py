"""What wrote a draft: which address it has, and what is told of it."""

from __future__ import annotations

import pytest
from support.stub_engine import BASE, adapter_brick

from compliance.errors import NotFoundError
from services.bricks.store import BrickStore
from services.consult.messages import ModelCardRef
from services.hospital.portal.access import local
from services.hospital.portal.drafter import DrafterPages, drafter_of

NOW = ModelCardRef(name="SmolLM2-135M-Instruct", digest=BASE)


@pytest.fixture
def store(tmp_path):
    made = BrickStore(tmp_path / "bricks")
    source = {"name": "Signals", "date": "2026-11-01", "licence": "own"}
    adapter_brick(made, "amber", sources=[source])
    figure = {
        "suite": "core", "metric": "right", "value": 0.9, "before": 0.8, "n": 10,
        "date": "2026-11-02",
    }  # fmt: skip
    lineage = {"operation": "updated", "parents": ["amber@1"], "note": "Fewer words."}
    newer = source | {"name": "Notes"}
    adapter_brick(made, "amber", 3, sources=[newer], evaluations=[figure], lineage=lineage)
    return made


@pytest.fixture
def pages(store):
    return DrafterPages(store, lambda: NOW, lambda: frozenset({"amber@3"}))


@pytest.mark.parametrize(
    ("name", "digest", "address"),
    [
        ("SmolLM2 with general@2", "sha256:0", "general@2"),
        ("record-rules", "1", "record-rules@1"),
        ("all-MiniLM-L6-v2 + BM25, the sources' own sentences", "sha256:ab", "sources@sha256:ab"),
        ("tiny", "served:org/tiny <b>", "base@served:org-tiny-b-"),
    ],
)
def test_whoever_wrote_has_an_address_that_one_may_come_back_to(name, digest, address):
    found = drafter_of(ModelCardRef(name=name, digest=digest))
    assert found == f"/portal/drafter/{address}"
    assert local(found) == found


def test_release_notes_are_against_the_version_before_that_is_here(pages):
    told = pages.told("amber@3", "en")
    release = told["release"]
    assert (release.before, release.note, told["in_use"]) == ("amber@1", "Fewer words.", True)
    assert (release.sources, release.gone) == (("Notes",), ("Signals",))
    assert [(one.value, one.before) for one in release.figures] == [(0.9, 0.8)]
    assert '"amber"' in told["raw"]


def test_a_first_version_has_none_before_it_and_may_be_out_of_use(pages):
    told = pages.told("amber@1", "es")
    assert told["release"].before is None
    assert not told["in_use"]


def test_an_adapter_has_the_card_of_the_model_beneath_it(pages, store):
    assert [name for name, _ in pages.told("amber@3", "en")["cards"]] == [
        "SmolLM2-135M-Instruct, quantised (embedded language model)"
    ]
    other = ModelCardRef(name="tiny", digest="sha256:" + "0" * 64)
    assert DrafterPages(store, lambda: other, frozenset).told("amber@3", "en")["cards"] == ()


def test_of_what_is_not_here_nothing_is_told(pages):
    for asked in ("amber@2", "nobody@1", "x", "..", "amber"):
        with pytest.raises(NotFoundError):
            pages.told(asked, "en")


def test_what_chose_a_sources_sentences_has_three_cards(pages):
    assert len(pages.told("sources@sha256:ab", "en")["cards"]) == 3
    assert pages.told("record-rules@1", "en")["cards"] == ()
