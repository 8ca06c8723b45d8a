"""The adapters that are loaded beside a model, and who uses them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from services.engines.digest import file_digest
from services.engines.errors import (
    AdapterMismatchError,
    AdapterUnknownError,
    EngineError,
    EngineUnavailableError,
)
from services.engines.llama.header import BrokenHeaderError, read_header
from services.engines.llama.weights import Weights
from services.engines.protocol import AdapterFile

FAMILY = "general.architecture"
BASE = "caretier.base"
"""Field of the header where an adapter of ours names its base; others have none."""


class Held:
    """A loaded adapter; ``users`` are the requests and contexts that have it."""

    def __init__(self, file: AdapterFile, pointer: Any) -> None:
        self.file, self.pointer = file, pointer
        self.users = 0
        self.retired = False
        self.gone = threading.Event()


class Shelf:
    """Adapters by name; one that was put away is freed when its last user lets go of it."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}

    def files(self) -> tuple[AdapterFile, ...]:
        """What is held, by name."""
        with self._lock:
            return tuple(held.file for _, held in sorted(self._held.items()))

    def put(self, file: AdapterFile) -> Held | None:
        """Load an adapter under its name; returns the one whose place it took, if any.

        Raises:
            AdapterMismatchError: its tensors do not fit the model.
        """
        with self._lock:
            before = self._held.get(file.name)
        if before is not None and before.file.digest == file.digest:
            return None
        pointer = self._weights.load_adapter(file.path)
        if pointer is None:
            raise AdapterMismatchError(f"The tensors of {file.name} do not fit this model.")
        with self._lock:
            before = self._held.get(file.name)
            self._held[file.name] = Held(file, pointer)
        self._retire(before)
        return before

    def take_away(self, name: str) -> Held | None:
        """Forget a name; returns what stood under it, which new requests no longer find."""
        with self._lock:
            held = self._held.pop(name, None)
        self._retire(held)
        return held

    def use(self, name: str) -> Held:
        """Take an adapter for a request; `release` it afterwards.

        Raises:
            AdapterUnknownError: none of this name is held.
        """
        with self._lock:
            held = self._held.get(name)
            if held is None:
                raise AdapterUnknownError(f"No adapter named {name} is loaded.")
            held.users += 1
            return held

    def keep(self, held: Held) -> None:
        """Count a context that has the adapter applied."""
        with self._lock:
            held.users += 1

    def release(self, held: Held) -> None:
        """Give up one use; the last one of a retired adapter frees it."""
        with self._lock:
            held.users -= 1
            last = held.retired and held.users == 0
        if last:
            self._free(held)

    def clear(self) -> None:
        """Free everything; no request and no context may be left."""
        for file in self.files():
            self.take_away(file.name)

    def _retire(self, held: Held | None) -> None:
        if held is None:
            return
        with self._lock:
            held.retired = True
            last = held.users == 0
        if last:
            self._free(held)

    def _free(self, held: Held) -> None:
        self._weights.free_adapter(held.pointer)
        held.gone.set()


def check(adapter: AdapterFile, base: str, family: str) -> None:
    """Refuse an adapter that was not made for the model, before its file is given to the library.

    Args:
        adapter: what is to be loaded.
        base: digest of the model.
        family: architecture of the model, such as ``llama``.

    Raises:
        AdapterMismatchError: another base or family, other content, or no LoRA of its rank.
        EngineUnavailableError: the file is missing.
    """
    if adapter.base != base:
        raise AdapterMismatchError(f"{adapter.name} was trained on another model than this one.")
    if not adapter.path.is_file():
        raise EngineUnavailableError(
            f"The file of the adapter {adapter.name} is missing.",
            remedy="Fetch it again with `caretier bricks pull`.",
        )
    try:
        if file_digest(adapter.path) != adapter.digest:
            raise AdapterMismatchError(f"The file of {adapter.name} is not what its name says.")
        _check_header(adapter, adapter.path, family)
    except BrokenHeaderError as error:
        raise AdapterMismatchError(f"{adapter.name} is no GGUF adapter: {error}") from error
    except OSError as error:
        raise EngineError(f"The file of the adapter {adapter.name} cannot be read.") from error


def _check_header(adapter: AdapterFile, path: Path, family: str) -> None:
    header = read_header(path)
    kind = header.fields.get("general.type"), header.fields.get("adapter.type")
    if kind != ("adapter", "lora"):
        raise AdapterMismatchError(f"{adapter.name} is no LoRA adapter.")
    if header.fields.get(BASE, adapter.base) != adapter.base:
        raise AdapterMismatchError(f"{adapter.name} names another base than its file does.")
    if header.fields.get(FAMILY) != family:
        raise AdapterMismatchError(f"{adapter.name} is for models of another architecture.")
    ranks = {shape[-1] for name, shape in header.tensors.items() if name.endswith(".lora_a")}
    if ranks != {adapter.rank}:
        raise AdapterMismatchError(f"{adapter.name} does not have the rank {adapter.rank}.")
