"""A real vLLM for the tests of a session, with the small model that is embedded."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path

from services.bricks.adapters.unpack import unpack
from services.engines.llama import file_digest
from services.engines.protocol import AdapterFile
from services.engines.settings import embedded_model
from services.engines.vllm import VllmEngine, VllmSettings

SLOTS = 3
"""The base model's own adapter and two more: as few as possible, so that all are full at once."""
ADAPTERS = Path(__file__).parents[1] / "adapters"


@dataclass(frozen=True)
class RunningVllm:
    """A server that runs: its address with ``/v1``, its key, and the digest of its model."""

    url: str
    key: str
    base: str

    def engine(self, folder: Path, **more: object) -> VllmEngine:
        """An engine that reaches it; ``folder`` is for the adapters' files."""
        known = {"url": self.url, "api_key": self.key, "base": self.base, "folder": folder}
        return VllmEngine(VllmSettings.model_validate({**known, **more}))

    def adapter(self, folder: str, name: str | None = None) -> AdapterFile:
        """One of the tests' adapters, under its own or another name."""
        path = ADAPTERS / folder
        digest = file_digest(path / "adapter_model.safetensors")
        return AdapterFile(name or folder, path, digest, self.base, rank=8)


class VllmThread:
    """Runs a supervised server on an event loop of its own until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="vllm")

    def start(self) -> RunningVllm:
        """Start it and wait until it is ready.

        Raises:
            EngineUnavailableError: it does not start.
        """
        base, model = file_digest(embedded_model()), VllmSettings().model
        if not (model / "config.json").is_file():
            model = self._folder / "model"
            unpack(embedded_model(), model)
        known = {"folder": self._folder, "model": model, "base": base, "slots": SLOTS}
        self._engine = VllmEngine(VllmSettings.model_validate({**known, "start_seconds": 240}))
        self._thread.start()
        self._run(self._engine.start())
        server = self._engine._server
        assert server is not None
        return RunningVllm(server.url, server.key, base)

    def stop(self) -> None:
        """End it."""
        self._run(self._engine.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
