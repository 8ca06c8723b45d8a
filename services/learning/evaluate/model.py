"""The file of the model that a parent answers with."""

from __future__ import annotations

from pathlib import Path

from services.engines.settings import EngineSettings, embedded_model
from services.learning.errors import RoundBlockedError


def parents_file() -> Path:
    """The GGUF file that the settings of the engine name; the embedded model by default.

    Raises:
        RoundBlockedError: they name something else: suites are asked through llama.cpp.
    """
    named = EngineSettings().model
    path = Path(named) if named else embedded_model()
    if not path.is_file():
        raise RoundBlockedError(
            f"The model {path.name} is no file here, so that nothing can be measured with it.",
            remedy="Name a GGUF file of the same model with CARETIER_ENGINE_MODEL.",
        )
    return path
