"""The weights of one model, loaded once and read by every context over them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.engines.errors import EngineUnavailableError
from services.engines.llama.chat import ChatTemplate
from services.engines.llama.gate import Gate
from services.engines.protocol import Prompt

PIECE_BYTES = 256
"""Longest text of one token; llama.cpp's own vocabularies stay below it."""


def model_params() -> Any:
    """What llama.cpp loads models with, but never onto AMX: its products there end the process.

    AVX-512 does them then. Seen in 0.3.36, at the first token of any model.
    """
    from llama_cpp import llama_cpp

    params = llama_cpp.llama_model_default_params()
    params.use_extra_bufts = b"AMX_INT8 = 1" not in llama_cpp.llama_print_system_info()
    return params


@dataclass(frozen=True)
class Told:
    """A prompt in tokens: ``head`` up to the user's words, ``rest`` from there to the answer."""

    head: tuple[int, ...]
    rest: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.head) + len(self.rest)


class Weights:
    """A GGUF model and its vocabulary.

    Args:
        path: the file.

    Raises:
        EngineUnavailableError: it is not a model that can be used.
    """

    def __init__(self, path: Path) -> None:
        from llama_cpp import _internals, _logger, llama_cpp

        self.library: Any = llama_cpp
        self.gate = Gate()
        _logger.set_verbose(False)
        llama_cpp.llama_backend_init()
        params = model_params()
        params.n_gpu_layers = 0
        try:
            # its "quiet" would point this whole process's output elsewhere while it loads
            self.model: Any = _internals.LlamaModel(
                path_model=str(path), params=params, verbose=True
            )
            self.metadata: dict[str, str] = self.model.metadata()
        except (ValueError, RuntimeError, OSError) as error:
            raise EngineUnavailableError(f"{path.name} is not a usable model.") from error
        self.words: int = self.model.n_vocab()
        self._pieces: dict[int, bytes] = {}
        self._chat = ChatTemplate(
            self.metadata, self._name(self.model.token_bos()), self._name(self.model.token_eos())
        )
        self.tell(Prompt("", ""))  # a template that cannot be used is found out now

    def tell(self, prompt: Prompt) -> Told:
        """Turn a prompt into tokens; nothing in its texts can become a mark of turns."""
        before, between, behind = self._chat.around()
        begin = not self._chat.brought and self.model.add_bos_token()
        head = [
            *self._tokens(before, marks=True, begin=begin),
            *self._tokens(prompt.system),
            *self._tokens(between, marks=True),
        ]
        rest = [*self._tokens(prompt.user), *self._tokens(behind, marks=True)]
        return Told(tuple(head), tuple(rest))

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; a mark of turns stands for none."""
        if token not in self._pieces:
            buffer = ctypes.create_string_buffer(PIECE_BYTES)
            length = self.library.llama_token_to_piece(
                self.model.vocab, token, buffer, PIECE_BYTES, 0, False
            )
            self._pieces[token] = buffer.raw[: max(0, length)]
        return self._pieces[token]

    def ends(self, token: int) -> bool:
        """Whether a token ends the answer."""
        return bool(self.library.llama_vocab_is_eog(self.model.vocab, token))

    def load_adapter(self, path: Path) -> Any:
        """Load an adapter from its file; None where its tensors do not fit this model."""
        with self.gate.alone():
            return (
                self.library.llama_adapter_lora_init(self.model.model, str(path).encode()) or None
            )

    def free_adapter(self, adapter: Any) -> None:
        """Free an adapter that no context uses any more."""
        with self.gate.alone():
            self.library.llama_adapter_lora_free(adapter)

    def close(self) -> None:
        """Free the weights; contexts and adapters must be gone."""
        self.model.close()

    def _tokens(self, text: str, *, marks: bool = False, begin: bool = False) -> list[int]:
        if not text and not begin:
            return []
        found: list[int] = self.model.tokenize(text.encode(), begin, marks)
        return found

    def _name(self, token: int) -> str:
        return str(self.model.token_get_text(token)) if token >= 0 else ""
