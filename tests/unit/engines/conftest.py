"""The trained adapters of the embedded model, and a way to ask."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from services.engines.llama import file_digest
from services.engines.protocol import AdapterFile, Budget
from services.engines.settings import embedded_model

ADAPTERS = Path(__file__).parents[2] / "adapters"


@pytest.fixture(scope="session")
def adapter_files():
    """The two trained adapters by name; every answer begins with that name in capitals."""
    base, found = file_digest(embedded_model()), {}
    for name in ("amber", "birch"):
        path = ADAPTERS / name / "adapter.gguf"
        found[name] = AdapterFile(name, path, file_digest(path), base, rank=8)
    return found


@pytest.fixture(scope="session")
def ask():
    """Collect what an engine streams."""

    async def collect(engine, prompt, tokens: int = 6, seconds: float = 120) -> str:
        stream = engine.generate(prompt, Budget(tokens, seconds))
        async with contextlib.aclosing(stream) as pieces:
            return "".join([piece async for piece in pieces])

    return collect
