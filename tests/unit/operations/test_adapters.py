"""Adapters as bricks: both forms of one content, measured, and merged by their products.

What torch does is played here; `tests/bricks/operations` does it for real.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.packs import topic

from services.bricks.adapters.adapter import Adapter, Pair
from services.bricks.adapters.base import Base
from services.bricks.adapters.gguf_adapter import read_gguf_adapter
from services.bricks.adapters.peft_folder import read_peft, write_peft
from services.bricks.adapters.tensors import Tensor
from services.bricks.errors import BrickError
from services.bricks.operations.adapter import AdapterContent, language_sentences, read_probes
from services.bricks.operations.content import content_of, content_of_brick
from services.bricks.operations.errors import NoGainError
from services.bricks.operations.grow import grow
from services.bricks.operations.life import make, update
from services.bricks.operations.merge_adapters import (
    Recipe,
    merge_adapters,
    padded,
    share_kept,
)
from services.bricks.operations.workshop import Workshop
from services.engines.errors import AdapterMismatchError, EngineError
from services.engines.settings import embedded_model

ADAPTERS = Path(__file__).parents[2] / "adapters"
FIELDS = {"level": "clinic", "domain": "style", "licence": "Apache-2.0"}
GOOD, BAD = {"shown": 1.0, "perplexity": 90.0}, {"shown": 0.0, "perplexity": 95.0}


@pytest.fixture
def model(tmp_path):
    """What stands for a folder in Transformers' form: torch is not asked here."""
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


@pytest.fixture
def torch(monkeypatch):
    """Plays the environment with torch: figures as set, merged adapters by numpy."""
    played = Played()
    monkeypatch.setattr("services.bricks.operations.adapter.run_module", played)
    monkeypatch.setattr("services.bricks.operations.merge_adapters.run_module", played)
    return played


class Played:
    def __init__(self):
        self.requests, self.base, self.figures = [], BAD, [GOOD]

    def __call__(self, module, request, **_options):
        self.requests.append(request)
        if module.endswith("torch_merge"):
            first = read_peft(Path(request["adapters"][0]))
            write_peft(first, Path(request["out"]))
            return {}
        count = len(request["adapters"])
        figures = (self.figures * count)[:count]
        return {"base": self.base, "adapters": figures}


@pytest.fixture(scope="module")
def base():
    """The embedded model, read once."""
    return Base.of(embedded_model())


@pytest.fixture
def shop(shop, model, base, monkeypatch):
    monkeypatch.setattr(Base, "of", lambda _path: base)
    return replace(shop, model=model)


@pytest.fixture
def folder(tmp_path):
    """A copy of a test adapter, with probes."""

    def made(name, *expected):
        place = tmp_path / "adapters" / name
        shutil.copytree(ADAPTERS / name, place)
        probes = [{"user": f"Question {n}?", "expect": e} for n, e in enumerate(expected)]
        (place / "probes.jsonl").write_text("".join(json.dumps(p) + "\n" for p in probes))
        return place

    return made


@pytest.fixture
def two(shop, folder, torch):
    for name in ("amber", "birch"):
        content = content_of(shop, folder(name, f"^{name.upper()}:"))
        make(shop, content, {"id": name, "title": name, **FIELDS})
    torch.requests.clear()
    return ["amber@1", "birch@1"]


class TestMake:
    def test_an_adapter_becomes_a_brick_in_both_forms_with_its_base_and_rank(
        self, two, store, shop
    ):
        manifest = store.get("amber@1")
        assert manifest.base == read_peft(ADAPTERS / "amber").base
        assert manifest.rank == 8
        assert {f.role for f in manifest.files} == {"peft", "gguf", "other"}
        content = content_of_brick(shop, manifest)
        gguf = read_gguf_adapter(store.path("amber@1", "adapter.gguf"), content.base.heads)
        assert gguf.base == manifest.base
        for place in gguf.parts:
            assert np.array_equal(gguf.delta(*place), content.adapter.delta(*place))

    def test_its_figures_stand_beside_those_of_the_base_model(self, two, store):
        shown, language = store.get("amber@1").evaluations
        assert (shown.suite, shown.metric, shown.value, shown.before) == (
            "probes",
            "answers as expected",
            1.0,
            0.0,
        )
        assert (language.metric, language.value, language.before) == ("perplexity", 90.0, 95.0)
        assert language.n == len(language_sentences())

    def test_its_probes_lie_in_the_brick_for_the_next_version(self, two, shop, store):
        content = content_of_brick(shop, store.get("amber@1"))
        assert [p.expect for p in content.probes] == ["^AMBER:"]

    def test_another_base_model_is_refused(self, shop, folder):
        place = folder("amber")
        (place / "caretier-base.json").write_text(json.dumps({"base": f"sha256:{'0' * 64}"}))
        with pytest.raises(AdapterMismatchError):
            content_of(shop, place)

    def test_without_the_model_in_transformers_form_nothing_is_made(self, shop, folder, store):
        content = content_of(shop, folder("amber"))
        with pytest.raises(EngineError) as caught:
            make(replace(shop, model=embedded_model()), content, {"id": "amber", **FIELDS})
        assert "infra/vllm.sh" in caught.value.advice
        assert store.refs() == []

    @pytest.mark.parametrize("line", ["{", '{"user": "x"}', '{"user": "x", "expect": "("}'])
    def test_a_line_that_is_no_probe_is_named(self, tmp_path, line):
        (tmp_path / "probes.jsonl").write_text(f'{{"user": "a", "expect": "b"}}\n{line}\n')
        with pytest.raises(BrickError, match=r"probes\.jsonl:2 is no probe"):
            read_probes(tmp_path / "probes.jsonl")


class TestUpdateAndGrow:
    def test_the_next_version_is_measured_on_the_probes_of_both(self, two, shop, folder, torch):
        torch.figures = [GOOD, BAD]
        shutil.rmtree(shop.model.parent / "adapters")
        done = update(shop, "amber", content_of(shop, folder("amber", "^amber", "b")))
        (request,) = torch.requests
        assert [p["expect"] for p in request["probes"]] == ["^AMBER:", "^amber", "b"]
        assert done.manifest.ref == "amber@2"
        assert done.manifest.title == "amber"
        assert done.manifest.evaluations[0].before == 0.0

    def test_a_version_that_is_no_better_is_refused(self, two, shop, folder, torch):
        torch.figures = [BAD, GOOD]
        shutil.rmtree(shop.model.parent / "adapters")
        with pytest.raises(NoGainError, match="answers as expected of probes 0"):
            update(shop, "amber", content_of(shop, folder("amber")))

    def test_a_little_worse_at_language_is_tolerated_and_much_is_not(
        self, two, shop, folder, torch
    ):
        shutil.rmtree(shop.model.parent / "adapters")
        content = content_of(shop, folder("amber", "x"))
        torch.figures = [{"shown": 1.0, "perplexity": 105.0}, {"shown": 0.5, "perplexity": 90.0}]
        with pytest.raises(NoGainError):
            update(shop, "amber", content)
        torch.figures = [{"shown": 1.0, "perplexity": 94.0}, {"shown": 0.5, "perplexity": 90.0}]
        assert update(shop, "amber", content).manifest.version == 2

    def test_a_pack_is_no_version_of_an_adapter(self, two, shop, pack):
        with pytest.raises(BrickError, match="is of kind adapter, the new content of kind"):
            update(shop, "amber", content_of(shop, pack("leaflets", topic("acne"))))

    def test_a_child_is_measured_on_its_own_probes_beside_its_parent(
        self, two, shop, folder, torch
    ):
        torch.figures = [GOOD, BAD]
        shutil.rmtree(shop.model.parent / "adapters")
        content = content_of(shop, folder("birch", "^heart"))
        fields = {"id": "heart-words", "title": "Heart", "sub_domain": "heart", **FIELDS}
        before = shop.store.get("amber@1").canonical()
        done = grow(shop, "amber@1", content, fields)
        assert [p["expect"] for p in torch.requests[0]["probes"]] == ["^heart"]
        assert done.manifest.parent == "amber@1"
        assert done.manifest.base == shop.store.get("amber@1").base
        assert shop.store.get("amber@1").canonical() == before


class TestMerge:
    def test_the_merged_adapter_has_the_rank_the_base_and_the_probes_of_both(
        self, two, shop, store, torch
    ):
        done = merge_adapters(shop, two, {"id": "both"}, Recipe("ties", (2.0, 1.0), 0.3, 7))
        manifest = store.get("both@1")
        assert done.manifest == manifest
        assert (manifest.rank, manifest.base) == (8, store.get("amber@1").base)
        assert manifest.lineage.parents == ("amber@1", "birch@1")
        assert manifest.lineage.method == "ties on B·A, weights 2, 1, density 0.3, seed 7"
        merge, probe = torch.requests
        assert (merge["combination"], merge["rank"], merge["density"]) == ("ties_svd", 8, 0.3)
        assert [p["expect"] for p in probe["probes"]] == ["^AMBER:", "^BIRCH:"]
        kept = manifest.evaluations[-1]
        assert (kept.suite, kept.metric) == ("weighted sum of the products", "share kept")

    def test_adapters_that_undo_one_another_are_refused_unless_somebody_says_why(
        self, two, shop, store, torch
    ):
        half = {"shown": 0.5, "perplexity": 90.0}
        torch.figures = [BAD, half, half]
        with pytest.raises(NoGainError, match="they undo one another: answers as expected"):
            merge_adapters(shop, two, {"id": "both"}, Recipe())
        assert "both@1" not in store.refs()
        done = merge_adapters(shop, two, {"id": "both"}, Recipe(), accept="a trial")
        assert done.manifest.lineage.note == "taken because: a trial"

    def test_it_stands_beside_the_weakest_of_what_it_joins(self, two, shop, torch):
        torch.figures = [
            {"shown": 0.6, "perplexity": 100.0},
            {"shown": 0.5, "perplexity": 110.0},
            {"shown": 1.0, "perplexity": 90.0},
        ]
        done = merge_adapters(shop, two, {"id": "both"}, Recipe())
        shown, language, _ = done.manifest.evaluations
        assert (shown.before, language.before) == (0.5, 110.0)

    def test_one_adapter_other_ranks_and_other_kinds_are_refused(self, two, shop, put, store):
        with pytest.raises(BrickError, match="Two or more adapters"):
            merge_adapters(shop, ["amber@1", "amber@1"], {"id": "both"}, Recipe())
        put("leaflets", topic("acne"))
        with pytest.raises(BrickError, match="not of one kind"):
            merge_adapters(shop, ["amber@1", "leaflets@1"], {"id": "both"}, Recipe())
        held = store.get("birch@1")
        fields = held.model_dump(exclude={"files"}) | {"id": "wide", "rank": 16}
        store.make(fields, {f.name: (store.blob(f.digest), f.role) for f in held.files})
        with pytest.raises(BrickError, match="not of one rank: 16, 8"):
            merge_adapters(shop, ["amber@1", "wide@1"], {"id": "both"}, Recipe())

    def test_weights_of_linear_are_brought_to_one_and_those_of_others_stay(self):
        assert Recipe("linear", (3.0, 1.0)).of(2) == (0.75, 0.25)
        assert Recipe("svd", (3.0, 1.0)).of(2) == (3.0, 1.0)
        assert Recipe("dare").of(3) == (1.0, 1.0, 1.0)

    @pytest.mark.parametrize(
        ("recipe", "said"),
        [
            (Recipe("mean"), "There is no method mean"),
            (Recipe(weights=(1.0,)), "2 adapters need 2 weights"),
            (Recipe(weights=(1.0, -1.0)), "a sum above 0"),
            (Recipe(weights=(1.0, float("nan"))), "a sum above 0"),
            (Recipe("ties", density=0.0), "share above 0"),
        ],
    )
    def test_a_recipe_that_cannot_be_is_refused(self, recipe, said):
        with pytest.raises(BrickError, match=said):
            recipe.of(2)


def adapter(**products):
    """An adapter of rank 2 with factors by chance, at the named projections of layer 0."""
    parts = {}
    for name, seed in products.items():
        numbers = np.random.default_rng(seed)
        down, up = numbers.normal(size=(2, 6)), numbers.normal(size=(4, 2))
        parts[0, name] = Pair(Tensor.of(down, "F32"), Tensor.of(up, "F32"))
    return Adapter(None, 2, 4.0, parts)


class TestProducts:
    def test_the_share_kept_is_one_for_the_sum_itself_and_none_for_zeros(self):
        one = adapter(q_proj=1)
        assert share_kept(one, [one, one], (0.5, 0.5)) == pytest.approx(1.0)
        nothing = replace(one, alpha=1e-9)
        assert share_kept(nothing, [one], (1.0,)) == pytest.approx(0.0, abs=1e-6)

    def test_adding_the_factors_apart_is_not_adding_the_products(self):
        """Why PEFT's own linear combination is not used."""
        one, other = adapter(q_proj=1), adapter(q_proj=2)
        pair = Pair(
            *(
                Tensor.of(
                    sum(
                        np.sqrt(0.5) * getattr(a.parts[0, "q_proj"], side).floats()
                        for a in (one, other)
                    ),
                    "F32",
                )
                for side in ("down", "up")
            )
        )
        apart = replace(one, parts={(0, "q_proj"): pair})
        assert share_kept(apart, [one, other], (0.5, 0.5)) < 0.9

    def test_padding_changes_no_product_and_adds_those_of_others_as_zeros(self):
        one, other = adapter(q_proj=1), adapter(q_proj=2, v_proj=3)
        contents = [AdapterContent(a, None, Path()) for a in (one, other)]
        wide = padded(one, contents, sorted(other.parts))
        assert np.array_equal(wide.delta(0, "q_proj"), one.delta(0, "q_proj"))
        assert not wide.delta(0, "v_proj").any()


def test_a_workshop_says_nothing_unless_it_is_told_how(store):
    assert Workshop(store, lambda: None).say("x") is None
