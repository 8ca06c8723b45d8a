"""One real vLLM for all tests that ask for it; they run on one worker, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.vllm import RunningVllm, VllmThread

from services.engines.errors import EngineUnavailableError
from services.engines.torch_side import torch_python
from services.engines.vllm import VllmEngine


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the real server together."""
    for item in items:
        if "vllm" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("vllm"))


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVllm]:
    """A running server. `make test` sets vLLM up; a machine without it says so here."""
    try:
        torch_python()
    except EngineUnavailableError as error:
        pytest.skip(f"{error.message} {error.advice}")
    thread = VllmThread(tmp_path_factory.mktemp("vllm"))
    try:
        yield thread.start()
    finally:
        thread.stop()


@pytest_asyncio.fixture
async def engine(vllm: RunningVllm, tmp_path: Path) -> AsyncIterator[VllmEngine]:
    """An engine that reaches the server, with nothing held."""
    engine = vllm.engine(tmp_path)
    await engine.start()
    yield engine
    for adapter in engine.adapters():
        await engine.let_go(adapter.name)
    await engine.close()
