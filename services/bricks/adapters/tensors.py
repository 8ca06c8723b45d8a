"""A tensor as it lies in a file, and its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, dequantize, quantize

from services.bricks.errors import BrickError

Floats = npt.NDArray[np.float32]
STORED: dict[str, type[np.generic]] = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}
"""How numpy holds the plain types; it has no bfloat16, whose bits are kept as they are."""


@dataclass(frozen=True)
class Tensor:
    """Numbers of one kind.

    Attributes:
        kind: ``F32``, ``F16``, ``BF16``, or a quantised type by llama.cpp's name, like ``Q4_1``.
        shape: rows first, as numpy and PyTorch count (GGUF writes it the other way round).
        raw: of a plain type, an array of this shape; of a quantised one, a row of bytes for each
            row of numbers.
    """

    kind: str
    shape: tuple[int, ...]
    raw: npt.NDArray[Any]

    @classmethod
    def of(cls, numbers: Floats, kind: str) -> Tensor:
        """Round numbers to a plain type (to nearest, ties to even)."""
        numbers = np.ascontiguousarray(numbers, dtype=np.float32)
        if kind == "BF16":
            packed = quantize(numbers.reshape(-1), GGMLQuantizationType.BF16)
            return cls(kind, numbers.shape, packed.view(np.uint16).reshape(numbers.shape))
        return cls(kind, numbers.shape, numbers.astype(STORED[kind]))

    def floats(self) -> Floats:
        """Its numbers, exactly.

        Raises:
            BrickError: there is no way known here to read its type.
        """
        if self.kind == "BF16":
            wide = self.raw.astype(np.uint32) << 16
            return wide.view(np.float32)
        if self.kind in STORED:
            return self.raw.astype(np.float32)
        try:
            flat = dequantize(np.ascontiguousarray(self.raw), GGMLQuantizationType[self.kind])
        except NotImplementedError:
            raise BrickError(f"Weights of the type {self.kind} cannot be read.") from None
        return flat.reshape(self.shape).astype(np.float32, copy=False)

    def make(self) -> Tensor:
        """Itself: it is here already; see `Promise`."""
        return self

    def rows(self, order: npt.NDArray[np.intp]) -> Tensor:
        """The same rows in another order; the numbers are not touched."""
        return Tensor(self.kind, self.shape, self.raw[order])


@dataclass(frozen=True)
class Promise:
    """A tensor that is made only when it is written, so that a model need not fit into memory."""

    kind: str
    shape: tuple[int, ...]
    make: Callable[[], Tensor]
