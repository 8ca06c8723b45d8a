"""Put a model or an adapter into the other form, whatever it is.

convert(Path("adapter/"), Path("adapter.gguf"), base=Path("base.gguf"))     # and back
convert(Path("model/"), Path("model.gguf"), kind="BF16")                    # and back
convert(base, Path("merged.gguf"), merge=Path("adapter/"))
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compliance.errors import BadInputError
from services.bricks.adapters.adapter import Adapter
from services.bricks.adapters.base import Base
from services.bricks.adapters.errors import reading
from services.bricks.adapters.gguf_adapter import read_gguf_adapter, write_gguf_adapter
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.model import open_model, with_adapter, write_model
from services.bricks.adapters.peft_folder import CONFIG, read_peft, write_peft
from services.bricks.adapters.unpack import unpack


def is_adapter(path: Path) -> bool:
    """Whether a file or folder holds an adapter; else it is taken for a model.

    Raises:
        BrickDamagedError: it is a file and no whole GGUF file.
    """
    if path.is_file():
        return bool(GgufFile.open(path).get("general.type") == "adapter")
    return (path / CONFIG).is_file()


def read_adapter(path: Path, base: Base, *, right: bool = False) -> Adapter:
    """Read an adapter in either form and bind it to its base model.

    Args:
        path: a GGUF file or a folder in PEFT's form.
        base: the model that it is to belong to.
        right: a person says that it does, where its files name none.

    Raises:
        BrickError: it cannot be used.
        AdapterMismatchError: it belongs to another model, or does not say to which.
    """
    with reading(path):
        adapter = read_gguf_adapter(path, base.heads) if path.is_file() else read_peft(path)
        adapter.check(base, right=right)
    return replace(adapter, base=base.digest)


def convert(
    source: Path,
    target: Path,
    *,
    base: Path | None = None,
    merge: Path | None = None,
    kind: str = "BF16",
    right: bool = False,
) -> str:
    """Write ``source`` in the other form; returns what was written, in words.

    Args:
        source: a GGUF file, or a folder in the form of Transformers or PEFT.
        target: a file ending in ``.gguf``, or a folder.
        base: the base model, for an adapter.
        merge: an adapter to merge into a model.
        kind: ``F32``, ``F16`` or ``BF16``, for a model written as GGUF.
        right: a person says that an adapter that names no base model belongs to this one.

    Raises:
        BadInputError: the arguments do not fit together.
        BrickError: something cannot be read or converted.
        AdapterMismatchError: the adapter belongs to another model.
    """
    packed = target.suffix == ".gguf"
    if is_adapter(source):
        if base is None or merge is not None:
            raise BadInputError("An adapter is converted with --base MODEL alone.")
        model = Base.of(base)
        adapter = read_adapter(source, model, right=right)
        if packed:
            write_gguf_adapter(adapter, model.heads, target, target.stem)
        else:
            write_peft(adapter, target)
        return f"adapter of rank {adapter.rank} on {len(adapter.parts)} projections"
    if packed:
        opened = open_model(source)
        if merge is not None:
            opened = with_adapter(opened, read_adapter(merge, opened.base, right=right))
        write_model(opened, target, kind)
        return f"model of {opened.base.layers} layers in {kind}"
    if merge is not None or source.is_dir():
        raise BadInputError("A merged or converted model is written to a file ending in .gguf.")
    unpack(source, target)
    return "model in Transformers' form"
