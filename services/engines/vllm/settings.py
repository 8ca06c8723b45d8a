"""Settings of vLLM, read from the environment once, at start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.engines.settings import models_folder

BASE_NOTE = "caretier-base.json"
"""Beside a model's weights: ``{"base": "sha256:…"}``, the digest that its adapters name."""


class VllmSettings(BaseSettings):
    """How vLLM runs, or where.

    Attributes:
        url: base address with ``/v1`` of a server that runs elsewhere; none: one is started here.
        api_key: of that server; one that is started here gets a key of its own each time.
        model: folder of the model in Transformers' form.
        served: name of the base model at the server.
        base: digest that adapters must name (``sha256:…``); by default from BASE_NOTE.
        python: the Python that has vLLM; by default that of infra/vllm.sh's environment.
        folder: for the log and for the adapters' files.
        seen_as: where a server elsewhere sees ``folder``; by default under the same name.
        context: tokens; streams: requests that are worked on at once.
        slots: adapters, the base model's included, that one step works with; 0: no adapters.
        kept: adapters in memory; rank: the highest that can be loaded.
        dtype: of the weights. kv_gib: memory for what was read, on a machine without a GPU.
        tools: vLLM's parser of tool calls for this model, such as ``hermes``; none: a model that
            chooses by itself to call a tool is refused.
        more: further arguments of the server, as in a shell.
        start_seconds: after which a server that is not ready is started anew.
        beat_seconds: between two looks at the server; misses: looks without an answer after which
            it is started anew.
    """

    model_config = SettingsConfigDict(env_prefix="CARETIER_VLLM_", frozen=True)

    url: str | None = None
    api_key: SecretStr | None = None
    model: Path = Field(default_factory=lambda: models_folder() / "smollm2-135m-instruct")
    served: str = "base"
    base: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    python: Path | None = None
    folder: Path = Field(default_factory=lambda: user_cache_path("caretier") / "vllm")
    seen_as: Path | None = None
    context: int = Field(default=2048, ge=256)
    streams: int = Field(default=32, ge=1)
    slots: int = Field(default=4, ge=0, le=64)
    kept: int = Field(default=32, ge=1)
    rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] = 16
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    kv_gib: int = Field(default=1, ge=1)
    tools: str | None = None
    more: str = ""
    start_seconds: float = Field(default=600.0, gt=0)
    beat_seconds: float = Field(default=5.0, gt=0)
    misses: int = Field(default=6, ge=1)

    def base_digest(self) -> str | None:
        """Digest of the base model, or None where nothing says which it is."""
        if self.base is not None:
            return self.base
        try:
            noted = json.loads((self.model / BASE_NOTE).read_text())["base"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return noted if isinstance(noted, str) else None
