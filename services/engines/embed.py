"""Sentence embeddings: all-MiniLM-L6-v2 on onnxruntime, without torch.

embedder = Embedder.load()
vectors = embedder.encode(["What is asthma?"])     # float32, shape (1, 384), unit length
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.engines.errors import EngineUnavailableError
from services.engines.settings import models_folder

Vectors = npt.NDArray[np.float32]
MODEL_FILE = "all-MiniLM-L6-v2.onnx"
TOKENIZER_FILE = "all-MiniLM-L6-v2.tokenizer.json"
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
        model, tokenizer = folder / MODEL_FILE, folder / TOKENIZER_FILE
        if not (model.is_file() and tokenizer.is_file()):
            raise EngineUnavailableError(
                "The embedding model has not been built.",
                remedy="Run `python -m services.engines.export_minilm` (set-up does it).",
            )
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # the arena keeps the largest batch for ever
        self._session: Any = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

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
            vectors[rows] = self._batch([texts[i] for i in rows])
        return vectors

    def _batch(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch(list(texts))
        feeds = {
            "input_ids": np.array([e.ids for e in encoded], np.int64),
            "attention_mask": np.array([e.attention_mask for e in encoded], np.int64),
        }
        result: Vectors = self._session.run(["embedding"], feeds)[0]
        return result
