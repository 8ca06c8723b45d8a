"""The embedded model in Transformers' form, and what Transformers makes of it and the adapters."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from support.tiny_llama import make_adapter, make_model

from services.bricks.adapters.base import Base
from services.bricks.adapters.peft_folder import write_peft
from services.bricks.adapters.rope import Stretch
from services.bricks.adapters.unpack import unpack
from services.engines.errors import EngineUnavailableError
from services.engines.settings import embedded_model
from services.engines.torch_side import run_module, torch_python

ADAPTERS = Path(__file__).parents[2] / "adapters"
NAMES = ("amber", "birch")
QUESTIONS = ("What is bread?", "Name three colours.")
TEXTS = (
    "What is 150/95?",
    "  two  spaces\n\nand\ttabs",
    "¿Qué es? 12345 abc123def",
    "½ ² ٣ ४",
    "don't we're I'LL",
    "x=3.14159;y=2",
    "<|im_start|>user\nHello<|im_end|>",
    "日本語 🙂 naïve",
    "",
)
IDS = (4, 60, 17, 99, 120, 8, 8, 201)
"""Tokens of the tiny model."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests together: they share what is slow to make."""
    for item in items:
        if "formats" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("formats"))


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """The embedded model in Transformers' form."""
    folder = tmp_path_factory.mktemp("formats") / "embedded"
    unpack(embedded_model(), folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A tiny model with an adapter on all seven projections: their folders."""
    folder = tmp_path_factory.mktemp("tiny")
    model = make_model(folder / "model", "F32")
    write_peft(make_adapter(Base.of(model)), folder / "adapter")
    return model, folder / "adapter"


@pytest.fixture(scope="session")
def long(tmp_path_factory):
    """A tiny model whose positions are stretched as in Llama 3: its folder."""
    rope = {"rope_type": "llama3", **asdict(Stretch(8.0, original_max_position_embeddings=32))}
    return make_model(tmp_path_factory.mktemp("long") / "model", "F32", rope_scaling=rope)


@pytest.fixture(scope="session")
def transformers(unpacked, tiny, long):
    """What Transformers and PEFT say, asked once."""
    try:
        torch_python()
    except EngineUnavailableError as error:
        pytest.skip(f"{error.message} {error.advice}")
    request = {
        "model": str(unpacked),
        "adapters": {name: str(ADAPTERS / name) for name in NAMES},
        "questions": QUESTIONS,
        "texts": TEXTS,
        "tiny": str(tiny[0]),
        "tiny_adapter": str(tiny[1]),
        "long": str(long),
        "ids": IDS,
    }
    return run_module("tests.support.ask_transformers", request)
