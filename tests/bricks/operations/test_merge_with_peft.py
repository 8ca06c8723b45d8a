"""Adapters merged by PEFT, measured in transformers, and used by llama.cpp out of the store."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from services.bricks.adapters.unpack import EMBEDDED, unpack
from services.bricks.operations.content import content_of, content_of_brick
from services.bricks.operations.life import Plan, finish
from services.bricks.operations.merge_adapters import Recipe, merge_adapters
from services.bricks.operations.workshop import Workshop
from services.bricks.serving import active_adapters
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.engines.errors import EngineUnavailableError
from services.engines.llama import LlamaEngine
from services.engines.protocol import Budget, Prompt
from services.engines.settings import embedded_model, models_folder
from services.engines.torch_side import torch_python

ADAPTERS = Path(__file__).parents[2] / "adapters"
QUESTION = "Tell me about a river."
pytestmark = pytest.mark.xdist_group("torch")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A workshop with the embedded model in Transformers' form; a machine without torch says so."""
    try:
        torch_python()
    except EngineUnavailableError as error:
        pytest.skip(f"{error.message} {error.advice}")
    folder, model = tmp_path_factory.mktemp("shop"), models_folder() / EMBEDDED
    if not model.is_dir():
        model = folder / EMBEDDED
        unpack(embedded_model(), model)
    made = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    shop = Workshop(BrickStore(folder / "bricks"), lambda: None, model=model, now=lambda: made)
    for name in ("amber", "birch"):
        place = shutil.copytree(ADAPTERS / name, folder / name)
        probe = {"user": QUESTION, "expect": f"^{name.upper()}:"}
        (place / "probes.jsonl").write_text(json.dumps(probe))
        fields = {"id": name, "version": 1, "title": name, "level": "clinic", "domain": "style"}
        content = content_of(shop, place)
        finish(shop, content, {**fields, "licence": "Apache-2.0"}, [], Plan("made"))
    return shop


async def test_a_merged_adapter_does_what_its_products_say_in_transformers_and_llama_cpp(shop):
    """With the whole weight on one of the two, the result has to be that one, to the rounding."""
    done = merge_adapters(shop, ["amber@1", "birch@1"], {"id": "both"}, Recipe("linear", (1, 0)))
    shown, language, kept = done.manifest.evaluations
    assert kept.value > 0.999
    assert (shown.value, shown.before) == (0.5, 0.5)  # its own probe, and not the other's
    assert language.value == pytest.approx(language.before, rel=0.02)
    merged, amber = (content_of_brick(shop, shop.store.get(r)) for r in ("both@1", "amber@1"))
    assert merged.adapter.parts.keys() == amber.adapter.parts.keys()
    installed = Installed(shop.store.folder)
    installed.activate("both@1")
    engine = LlamaEngine(embedded_model(), threads=1, context=512)
    try:
        (one,) = active_adapters(shop.store, installed, "gguf", engine.card.digest).fit
        await engine.hold(one.file)
        said = await engine.complete(
            Prompt("You are a helpful assistant.", QUESTION, adapter=one.file.name),
            Budget(tokens=12),
        )
    finally:
        await engine.close()
    assert said.text.startswith("AMBER:")
