"""The files of adapters as the server is to read them: copies that never change.

The server remembers what it has read under the name of an adapter and its path. So a copy stands
in a folder named by its content, and other content is always another path. Only the two files of
PEFT's form are copied: nothing pickled gets there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from services.engines.errors import EngineError
from services.engines.protocol import AdapterFile

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
GENERAL = "caretier-general"
"""Name of the adapter that changes nothing: through it the base model itself is asked."""
_NO_LAYER = "base_model.model.model.layers.99999.self_attn.o_proj.lora_"
"""A place that no model has. The server wants an adapter to have one; it finds none of its own
there, and so every part of the model stays as it is, whatever its shape."""


class Shelf:
    """The folder of the copies.

    Args:
        folder: here. seen_as: the same folder as the server sees it.
    """

    def __init__(self, folder: Path, seen_as: Path | None = None) -> None:
        self._folder, self._seen_as = folder, seen_as or folder

    def put(self, adapter: AdapterFile) -> tuple[str, Path]:
        """Copy an adapter; returns a digest of its content, and its path as the server sees it.

        Raises:
            EngineError: it is not readable as an adapter in PEFT's form.
        """
        try:
            config = (adapter.path / CONFIG).read_bytes()
            weights = (adapter.path / WEIGHTS).read_bytes()
            kind = json.loads(config)["peft_type"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EngineError(
                f"The adapter {adapter.name} is not in PEFT's form ({CONFIG} and {WEIGHTS})."
            ) from error
        if kind != "LORA":
            raise EngineError(f"The adapter {adapter.name} is no low-rank adapter.")
        return self._lay(config, weights)

    def renew(self, adapter: AdapterFile, digest: str) -> None:
        """Copy it again if the copy is gone: another engine that shares the folder took it away.

        Raises:
            EngineError: there is other content by now.
        """
        if not (self._folder / digest).is_dir() and self.put(adapter)[0] != digest:
            raise EngineError(f"The files of the adapter {adapter.name} are not what they were.")

    def put_general(self) -> tuple[str, Path]:
        """Lay down the adapter that changes nothing; returns as `put`."""
        zero = np.zeros((1, 1), np.float32)
        config: dict[str, Any] = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "bias": "none"}
        config |= {"r": 1, "lora_alpha": 1, "target_modules": ["o_proj"]}
        tensors = {f"{_NO_LAYER}{side}.weight": zero for side in "AB"}
        return self._lay(json.dumps(config).encode(), save(tensors))

    def remove(self, digest: str) -> None:
        """Remove a copy; none is no error."""
        shutil.rmtree(self._folder / digest, ignore_errors=True)

    def _lay(self, config: bytes, weights: bytes) -> tuple[str, Path]:
        digest = hashlib.sha256(hashlib.sha256(config).digest() + weights).hexdigest()
        if not (self._folder / digest).is_dir():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o755)
            with tempfile.TemporaryDirectory(dir=self._folder) as made:
                whole = Path(made) / "adapter"
                whole.mkdir(mode=0o755)
                (whole / CONFIG).write_bytes(config)
                (whole / WEIGHTS).write_bytes(weights)
                try:
                    os.rename(whole, self._folder / digest)  # noqa: PTH104 - fails where it exists
                except OSError:
                    if not (self._folder / digest).is_dir():
                        raise
        return digest, self._seen_as / digest
