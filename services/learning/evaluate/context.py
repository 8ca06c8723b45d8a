"""Many short sequences side by side in one context of llama.cpp."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from services.bricks.errors import BrickError
from services.engines.errors import EngineError
from services.engines.llama.weights import Weights
from services.engines.session import Floats

SIDE_BY_SIDE = 16
"""Sequences at once, besides the shared beginning."""
BATCH = 256
"""Tokens that are read at once; the scores of each take 0.2 MB where they are asked for."""
CONTEXT = 4096
_MARK = "\ue000question\ue001"


class Entry(NamedTuple):
    """A token to be read: its place, the sequences it is part of, and if its scores are wanted."""

    token: int
    place: int
    sequences: Sequence[int]
    wanted: bool


class Context:
    """A model with an adapter or none; sequences begin with what stands before every question.

    Args:
        model: a GGUF file.
        adapter: a GGUF file; None for the bare model.
        threads: of the CPU; more than there are free cores makes it slower.

    Raises:
        BrickError: the adapter does not fit the model, or the model cannot be asked.
        EngineUnavailableError: the model cannot be used.
        EngineError: there is no memory for it.
    """

    def __init__(self, model: Path, adapter: Path | None, threads: int) -> None:
        from llama_cpp import _internals

        self.weights = Weights(model)
        library = self._library = self.weights.library
        params = library.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = CONTEXT, BATCH, BATCH
        params.n_seq_max, params.kv_unified = SIDE_BY_SIDE + 1, True
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        try:
            self._context: Any = _internals.LlamaContext(model=self.weights.model, params=params)
        except ValueError as error:
            raise EngineError("There is no memory to ask the model in.") from error
        self._batch: Any = library.llama_batch_init(BATCH, 0, SIDE_BY_SIDE)
        if adapter is not None:
            self._wear(adapter)
        self.head, self.tail = self._layout()
        self.read([Entry(token, at, (0,), wanted=False) for at, token in enumerate(self.head)])

    def close(self) -> None:
        """Free the model."""
        self._library.llama_batch_free(self._batch)
        self._context.close()
        self.weights.close()

    def tokens(self, text: str, *, marks: bool = False) -> list[int]:
        """The tokens of a text; nothing in it becomes a mark of turns unless ``marks``."""
        add_begin = False
        found: list[int] = self.weights.model.tokenize(text.encode(), add_begin, marks)
        return found

    def begin(self, count: int) -> None:
        """Give up what was asked before; sequences 1 to ``count`` hold the beginning again."""
        memory, library = self._context.memory, self._library
        for number in range(1, SIDE_BY_SIDE + 1):
            library.llama_memory_seq_rm(memory, number, -1, -1)
        for number in range(1, count + 1):
            library.llama_memory_seq_cp(memory, 0, number, 0, len(self.head))

    def read(self, entries: Sequence[Entry]) -> None:
        """Read tokens, `BATCH` at most.

        Raises:
            EngineError: llama.cpp could not.
        """
        self._batch.n_tokens = len(entries)
        for at, entry in enumerate(entries):
            self._batch.token[at], self._batch.pos[at] = entry.token, entry.place
            self._batch.n_seq_id[at] = len(entry.sequences)
            for number, sequence in enumerate(entry.sequences):
                self._batch.seq_id[at][number] = sequence
            self._batch.logits[at] = entry.wanted
        if self._library.llama_decode(self._context.ctx, self._batch):
            raise EngineError("llama.cpp could not read what was asked.")

    def scores(self, at: int) -> Floats:
        """Scores of what comes after an entry of the last reading; valid until the next one."""
        pointer = self._library.llama_get_logits_ith(self._context.ctx, at)
        return np.ctypeslib.as_array(pointer, shape=(self.weights.words,))

    def _layout(self) -> tuple[list[int], list[int]]:
        """What stands before a question without a system part, and behind it."""
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        model, template = self.weights.model, self.weights.metadata.get("tokenizer.chat_template")
        if template is None:
            raise BrickError("The model has no chat template, so it cannot be asked.")
        begins, ends = (
            str(model.token_get_text(token)) if token >= 0 else ""
            for token in (model.token_bos(), model.token_eos())
        )
        formed = Jinja2ChatFormatter(template, eos_token=ends, bos_token=begins)(
            messages=[{"role": "user", "content": _MARK}]
        )
        before, found, behind = formed.prompt.partition(_MARK)
        if not found:
            raise BrickError("The model's chat template leaves the question out.")
        begin = not formed.added_special and model.add_bos_token()
        marks = True
        head: list[int] = model.tokenize(before.encode(), begin, marks)
        if len(head) > BATCH:
            raise BrickError("What the model's chat template puts before a question is too long.")
        return head, self.tokens(behind, marks=True)

    def _wear(self, adapter: Path) -> None:
        pointer = self.weights.load_adapter(adapter)
        if pointer is None:
            raise BrickError(f"{adapter.name} does not fit the model.")
        pointers = (self._library.llama_adapter_lora_p_ctypes * 1)(pointer)
        scales = (ctypes.c_float * 1)(1.0)
        self._library.llama_set_adapters_lora(self._context.ctx, pointers, 1, scales)
