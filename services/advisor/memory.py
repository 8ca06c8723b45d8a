"""How much memory a model takes, before it is here.

    memory = on_processor(model.shape, "Q4_K_M", file.size, context=8192)
    memory.needed, memory.resident

The constants were measured on the engine as it runs (`caretier bench advisor` measures again):
66 MiB for a process with llama.cpp in it, 150 bytes for a token of the vocabulary, 3 KiB for a
token of the context beside its keys and values.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.advisor.shape import ROW, Shape
from services.engines.llama.memory import Sizes

PROCESS, PER_WORD, PER_TOKEN = 66 << 20, 150, 3 << 10
"""Bytes of the process itself, of a word of the vocabulary, of a token beside its keys and
values."""
VLLM_ROOM = 3_000_000_000
"""Bytes that vLLM and CUDA take beside weights and cache: an assumption, not measured here."""
HALF = 2
"""Bytes of a weight in half precision."""
_BLOCK_BYTES = 18 / 32
"""Bytes of a weight in the forms of four bits."""
_LAID_OUT = {"Q4_0": 1.0, "Q4_K_M": 0.86}
"""Share of the blocks' weights that llama.cpp lays out anew for the processor, by form."""


@dataclass(frozen=True)
class Memory:
    """Bytes that a model takes, by what they are for.

    Attributes:
        weights: as they are used.
        cache: keys and values of the whole context; room: to compute in; process: the rest.
        mapped: pages of the file that stay in memory after its weights were laid out anew. They
            count as resident, and the system takes them back when memory is short.
    """

    weights: int
    cache: int
    room: int
    process: int
    mapped: int = 0

    @property
    def needed(self) -> int:
        """What has to be there for it to run."""
        return self.weights + self.cache + self.room + self.process

    @property
    def resident(self) -> int:
        """What the system shows for the process once its context is full."""
        return self.needed + self.mapped


def on_processor(shape: Shape, form: str, size: int, *, context: int, contexts: int = 1) -> Memory:
    """The memory of a GGUF file in llama.cpp, in this process.

    Args:
        shape: of the model.
        form: of its weights.
        size: of the file in bytes.
        context: tokens of each context.
        contexts: how many requests run at once.
    """
    sizes = Sizes(
        weights=size,
        layers=shape.layers,
        heads=shape.heads,
        kv_width=2 * shape.kv_heads * shape.head,
        embedding=shape.width,
        forward=shape.hidden,
        vocabulary=shape.vocabulary,
    )
    cache = sizes.cache(context)
    room = sizes.context(context) - cache + PER_TOKEN * context
    return Memory(
        weights=size,
        cache=cache * contexts,
        room=room * contexts,
        process=PROCESS + PER_WORD * shape.vocabulary,
        mapped=_mapped(shape, form),
    )


def on_card(shape: Shape, *, context: int, weights: int | None = None) -> Memory:
    """The memory of the original weights in vLLM on a graphics card.

    Args:
        shape: of the model.
        context: tokens that one request may fill; more requests share what is left.
        weights: their bytes, where they are not in half precision.
    """
    held = weights if weights is not None else shape.parameters * HALF
    return Memory(held, shape.cache(context), VLLM_ROOM, 0)


def _mapped(shape: Shape, form: str) -> int:
    if form.startswith("Q4_K") and shape.width % ROW:
        return 0
    blocks = shape.parameters - shape.table * (1 if shape.tied else 2)
    return int(blocks * _BLOCK_BYTES * _LAID_OUT.get(form, 0.0))
