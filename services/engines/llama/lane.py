"""One context over the weights: reads a prompt, then gives token after token.

A lane serves one request at a time. What it read for one request is given up before the next, but
for a shared beginning (`services.engines.llama.prefix`) when it was read with the same adapter. A
beginning and what follows are always read in the same batches, whether it was kept, came from its
file, or is read now; so the answer is the same to the bit.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from services.engines.errors import EngineError
from services.engines.llama.adapters import Held, Shelf
from services.engines.llama.memory import BATCH
from services.engines.llama.prefix import PrefixFolder, prefix_key
from services.engines.llama.weights import Told, Weights
from services.engines.session import Floats

WORTH_A_FILE = 64
"""Tokens from which a beginning is kept in a file; shorter ones are read as fast."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The request was cancelled while its prompt was read."""


class Lane:
    """A context with its own keys and values.

    Args:
        weights: the model.
        shelf: where its adapters are counted.
        digest: of the model.
        context: tokens that fit.
        threads: CPU threads.
        prefixes: files of shared beginnings, or None for no files.

    Raises:
        EngineError: the context cannot be made, for want of memory.
    """

    def __init__(
        self,
        weights: Weights,
        shelf: Shelf,
        digest: str,
        *,
        context: int,
        threads: int,
        prefixes: PrefixFolder | None,
    ) -> None:
        from llama_cpp import _internals

        library = weights.library
        params = library.llama_context_default_params()
        params.n_ctx = context
        params.n_batch = params.n_ubatch = BATCH
        params.n_outputs_max = 1  # no more than the last token's scores are ever asked for
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        try:
            self._context: Any = _internals.LlamaContext(model=weights.model, params=params)
        except ValueError as error:
            raise EngineError("There is no memory for another context of the model.") from error
        self._batch: Any = _internals.LlamaBatch(n_tokens=BATCH, embd=0, n_seq_max=1)
        self._weights, self._shelf, self._prefixes = weights, shelf, prefixes
        self._digest = digest
        self.held: Held | None = None
        self.kept: tuple[int, ...] = ()
        self._length = 0

    def begin(self, told: Told, held: Held | None, *, shared: bool, stop: threading.Event) -> None:
        """Read a prompt with an adapter or none; afterwards `logits` are those of its last token.

        Raises:
            Stopped: ``stop`` was set meanwhile.
        """
        self.apply(held)
        if not (shared and told.head == self.kept and self._rewind(len(told.head))):
            self._give_up()
            self._read_head(told.head, shared=shared, stop=stop)
        self._read(told.rest, stop)

    def add(self, token: int) -> None:
        """Read one more token, of the answer."""
        self._decode((token,))

    def logits(self) -> Floats:
        """Scores of every token of the vocabulary to come next; valid until the next read."""
        pointer = self._weights.library.llama_get_logits_ith(self._context.ctx, -1)
        return np.ctypeslib.as_array(pointer, shape=(self._weights.words,))

    def end(self) -> None:
        """Give up what the request brought, so that the next one finds nothing of it."""
        if not (self.kept and self._rewind(len(self.kept))):
            self._give_up()

    def apply(self, held: Held | None) -> None:
        """Put an adapter in the place of the one that is applied; None for the base model."""
        if held is self.held:
            return
        library, before = self._weights.library, self.held
        pointers = (library.llama_adapter_lora_p_ctypes * 1)(*([held.pointer] if held else []))
        scales = (ctypes.c_float * 1)(1.0)
        self._give_up()
        if held is not None:
            self._shelf.keep(held)
        self.held = held
        library.llama_set_adapters_lora(self._context.ctx, pointers, int(held is not None), scales)
        if before is not None:
            self._shelf.release(before)

    def close(self) -> None:
        """Free the context."""
        self.apply(None)
        self._batch.close()
        self._context.close()

    def _read_head(self, head: tuple[int, ...], *, shared: bool, stop: threading.Event) -> None:
        adapter = self.held.file.digest if self.held else ""
        key = prefix_key(self._digest, adapter, head)
        files = self._prefixes if shared and len(head) >= WORTH_A_FILE else None
        if files is None or not self._restore(files, key, len(head)):
            self._read(head, stop)
            if files is not None:
                files.save(key, self._state())
        self.kept = head if shared else ()

    def _restore(self, files: PrefixFolder, key: str, length: int) -> bool:
        data = files.load(key)
        if data is None:
            return False
        library, context = self._weights.library, self._context
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        used = library.llama_state_seq_set_data(context.ctx, buffer, len(data), 0)
        self._length = length
        if used == len(data) and library.llama_memory_seq_pos_max(context.memory, 0) == length - 1:
            return True
        files.forget(key)
        self._give_up()
        return False

    def _state(self) -> bytes:
        library, context = self._weights.library, self._context.ctx
        size = library.llama_state_seq_get_size(context, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = library.llama_state_seq_get_data(context, buffer, size, 0)
        return bytes(buffer)[:written]

    def _read(self, tokens: Sequence[int], stop: threading.Event) -> None:
        for start in range(0, len(tokens), BATCH):
            if stop.is_set():
                raise Stopped
            self._decode(tokens[start : start + BATCH])

    def _decode(self, tokens: Sequence[int]) -> None:
        self._batch.set_batch(tokens, self._length, logits_all=False)
        with self._weights.gate.many():
            self._context.decode(self._batch)
        self._length += len(tokens)

    def _rewind(self, length: int) -> bool:
        """Keep the first ``length`` tokens; False where this kind of model cannot."""
        if self._context.kv_cache_seq_rm(0, length, -1):
            self._length = length
            return True
        return False

    def _give_up(self) -> None:
        # the cells are given up, not overwritten, which at gigabytes would cost tenths of seconds
        self._weights.library.llama_memory_clear(self._context.memory, False)
        self._length, self.kept = 0, ()
