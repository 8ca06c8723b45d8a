"""Adapters for the embedded model, written once."""

from __future__ import annotations

import contextlib

import pytest

from services.engines.bench.adapter import write_adapter
from services.engines.protocol import Budget
from services.engines.settings import embedded_model


@pytest.fixture(scope="session")
def adapter_files(tmp_path_factory):
    """Two adapters by name that say other things than the base and than one another."""
    folder = tmp_path_factory.mktemp("adapters")
    return {
        name: write_adapter(embedded_model(), folder / f"{name}.gguf", name=name, seed=seed)
        for name, seed in (("amber", 1), ("birch", 2))
    }


@pytest.fixture(scope="session")
def ask():
    """Collect what an engine streams."""

    async def collect(engine, prompt, tokens: int = 6, seconds: float = 120) -> str:
        stream = engine.generate(prompt, Budget(tokens, seconds))
        async with contextlib.aclosing(stream) as pieces:
            return "".join([piece async for piece in pieces])

    return collect
