"""One ONNX model with its tokenizer, on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.engines.errors import EngineUnavailableError
from services.engines.settings import models_folder

Floats = npt.NDArray[np.float32]
TOKENIZER_FILE = "all-MiniLM-L6-v2.tokenizer.json"
"""The tokenizer of MiniLM, which all these models share; in the models' folder."""


class Session:
    """A model that takes texts or pairs of texts.

    Args:
        model: the ONNX file.
        tokens: longer inputs are cut at so many.
        folder: of the tokenizer; by default where set-up builds the models.

    Raises:
        EngineUnavailableError: model or tokenizer are not there.
    """

    def __init__(self, model: Path, tokens: int, folder: Path | None = None) -> None:
        tokenizer = (folder or models_folder()) / TOKENIZER_FILE
        if not (model.is_file() and tokenizer.is_file()):
            raise EngineUnavailableError(
                f"The model {model.name} has not been built.", remedy="Run `make up` once."
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
        self._tokenizer.enable_truncation(tokens)
        self._tokenizer.enable_padding()
        self._inputs = {i.name for i in self._session.get_inputs()}

    def pieces(self, word: str) -> int:
        """How many pieces the tokenizer makes of a word."""
        return len(self._tokenizer.encode(word, add_special_tokens=False).tokens)

    def run(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> list[Floats]:
        """The outputs in the model's order, each with a row for each text."""
        encoded = self._tokenizer.encode_batch(list(texts))
        feeds = {
            "input_ids": np.array([e.ids for e in encoded], np.int64),
            "attention_mask": np.array([e.attention_mask for e in encoded], np.int64),
            "token_type_ids": np.array([e.type_ids for e in encoded], np.int64),
        }
        given = {name: array for name, array in feeds.items() if name in self._inputs}
        result: list[Floats] = self._session.run(None, given)
        return result
