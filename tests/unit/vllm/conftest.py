"""An engine that reaches a stand-in for vLLM, and adapters for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
import pytest_asyncio
from safetensors.numpy import save_file
from support.fake_vllm import FakeVllm

from services.engines.protocol import AdapterFile
from services.engines.vllm import VllmEngine, VllmSettings

BASE = "sha256:" + "ab" * 32
Make = Callable[..., AdapterFile]


@pytest.fixture
def fake() -> FakeVllm:
    return FakeVllm()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write an adapter whose weights are all one number."""

    def make(name: str = "cardiology", number: float = 1.0, **more: object) -> AdapterFile:
        path = tmp_path / "given" / f"{name}-{number}"
        path.mkdir(parents=True, exist_ok=True)
        save_file({"x.lora_A.weight": np.full((1, 1), number)}, path / "adapter_model.safetensors")
        (path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8}))
        known = {"name": name, "path": path, "digest": f"sha256:{number}", "base": BASE, "rank": 8}
        return AdapterFile(**{**known, **more})

    return make


@pytest.fixture
def open_engine(fake: FakeVllm, tmp_path: Path) -> Callable[..., VllmEngine]:
    """Open an engine; the test closes it."""

    def open_engine(**more: object) -> VllmEngine:
        known = {"url": "http://vllm.test/v1", "base": BASE, "folder": tmp_path / "engine"}
        settings = VllmSettings.model_validate({**known, "beat_seconds": 0.02, **more})
        return VllmEngine(settings, transport=httpx.ASGITransport(fake.app))

    return open_engine


@pytest_asyncio.fixture
async def engine(open_engine: Callable[..., VllmEngine]) -> AsyncIterator[VllmEngine]:
    engine = open_engine()
    await engine.start()
    yield engine
    await engine.close()
