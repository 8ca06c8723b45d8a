"""Open the engine that the settings name."""

from __future__ import annotations

from pathlib import Path

from services.engines.http import HttpEngine
from services.engines.llama import LlamaEngine
from services.engines.protocol import Engine
from services.engines.settings import EngineSettings, embedded_model


def open_engine(settings: EngineSettings) -> Engine | None:
    """Return the engine, or None where the node is set to run without one.

    A llama.cpp model is loaded at its first use, so that a node whose answers come from the
    sources alone does not hold its memory.

    Raises:
        EngineUnavailableError: the model file is missing.
    """
    if settings.kind == "none":
        return None
    if settings.kind == "http":
        key = settings.api_key.get_secret_value() if settings.api_key else None
        return HttpEngine(
            settings.url,
            settings.model or "caretier",
            api_key=key,
            context=settings.context,
            authoring=settings.authoring,
        )
    return LlamaEngine(
        Path(settings.model) if settings.model else embedded_model(),
        threads=settings.threads,
        context=settings.context,
        authoring=settings.authoring,
        queue=settings.queue,
    )
