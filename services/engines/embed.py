"""Sentence embeddings: all-MiniLM-L6-v2 on onnxruntime, without torch.

embedder = Embedder.load()
vectors = embedder.encode(["What is asthma?"])     # float32, shape (1, 384), unit length
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.engines.errors import EngineUnavailableError
from services.engines.session import Floats, Session
from services.engines.settings import models_folder

Vectors = Floats
MODEL_FILE = "all-MiniLM-L6-v2.onnx"
DIMENSIONS = 384
MAX_TOKENS = 256
"""Tokens of a text that are read; the model was trained on no more."""
BATCH = 8
"""Texts that go through the model at once; more cost memory and, on one thread, gain no time."""


class Embedder:
    """MiniLM on one thread.

    Args:
        folder: where ``services.engines.export_minilm`` wrote its two files.

    Raises:
        EngineUnavailableError: the files are not there.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._session = Session(folder / MODEL_FILE, MAX_TOKENS, folder)
        except EngineUnavailableError as error:
            raise EngineUnavailableError(
                "The embedding model has not been built.",
                remedy="Run `python -m services.engines.export_minilm` (set-up does it).",
            ) from error

    @classmethod
    def load(cls) -> Embedder:
        """Open the model that set-up built."""
        return cls(models_folder())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed ``texts``; returns float32 of shape (len(texts), 384), each row of length 1."""
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        # texts of like length share a batch, so that little is spent on padding
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            (vectors[rows],) = self._session.run([texts[i] for i in rows])
        return vectors
