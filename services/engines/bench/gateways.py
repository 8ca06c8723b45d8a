"""The gateways that are compared: ours and LiteLLM's proxy, before the same upstream.

Both are programs of their own and do what they do in use: ours checks a key and its limits, looks
at the question for an emergency and writes the audit trail; LiteLLM's checks a key.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import psutil
import yaml
from platformdirs import user_cache_path

from services.engines.bench.load import Target
from services.engines.bench.processes import free_port, running
from services.engines.errors import EngineUnavailableError

LITELLM = "1.106.12"
"""LiteLLM lives in an environment of its own, made at first use below the user's cache."""
KEY = "sk-bench"


def litellm_program() -> Path:
    """LiteLLM's proxy, installed first where it is not.

    Raises:
        EngineUnavailableError: it cannot be installed here.
    """
    folder = user_cache_path("caretier") / f"litellm-{LITELLM}"
    program = folder / "bin" / "litellm"
    if not (folder / "whole").is_file():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
        done = subprocess.run(  # noqa: S603 - our own command
            [*pip, f"litellm[proxy]=={LITELLM}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EngineUnavailableError(
                f"LiteLLM {LITELLM} cannot be installed: {done.stderr[-300:]}",
                remedy="Use --no-litellm.",
            )
        (folder / "whole").touch()
    return program


@contextlib.contextmanager
def litellm(upstream: Target, folder: Path) -> Iterator[tuple[Target, psutil.Process]]:
    """LiteLLM's proxy before an upstream, with one worker as ours has."""
    program, port = litellm_program(), free_port()
    headers = dict(upstream.headers).get("authorization", "Bearer none")
    known = {
        "model": f"openai/{upstream.model}",
        "api_base": upstream.url,
        "api_key": headers.removeprefix("Bearer "),
    }
    config = {
        "model_list": [{"model_name": "base", "litellm_params": known}],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"telemetry": False},
    }
    file = folder / "litellm.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [str(program), "--config", str(file), "--host", "127.0.0.1", "--port", str(port)]
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    root = f"http://127.0.0.1:{port}"
    ready = f"{root}/health/liveliness"
    with running("litellm", command, ready, folder, environment) as process:
        yield Target("LiteLLM", f"{root}/v1", "base", _bearer(KEY)), process


@contextlib.contextmanager
def caretier(upstream: Target, folder: Path) -> Iterator[tuple[Target, psutil.Process]]:
    """A hospital before an upstream."""
    port, data = free_port(), folder / "hospital"
    environment = {
        "CARETIER_ENGINE_KIND": "http",
        "CARETIER_ENGINE_URL": upstream.url,
        "CARETIER_ENGINE_MODEL": upstream.model,
        "CARETIER_GATEWAY_RUNNING": "64",
        "CARETIER_GATEWAY_REQUESTS": "0",
        "CARETIER_GATEWAY_TOKENS": "0",
    }
    if authorization := dict(upstream.headers).get("authorization"):
        environment["CARETIER_ENGINE_API_KEY"] = authorization.removeprefix("Bearer ")
    program = [sys.executable, "-m", "services.cli", "hospital", "--data", str(data)]
    key = subprocess.run(  # noqa: S603 - our own command
        [*program, "key", "bench", "engine engine.base"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout.split()[-1]
    root = f"http://127.0.0.1:{port}"
    command = [*program, "--port", str(port)]
    with running("caretier", command, f"{root}/readyz", folder, environment) as process:
        yield Target("Caretier", f"{root}/v1", "base", _bearer(key)), process


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}
