"""The adapter of a brick, in the form that an engine wants."""

from __future__ import annotations

from typing import Literal, cast

from services.bricks.manifest import BrickManifest
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.engines.http import HttpEngine
from services.engines.protocol import AdapterFile, AdapterHost, Engine
from services.experts.errors import ExpertRefusedError

Form = Literal["gguf", "peft"]
RESERVED = frozenset({"caretier", "base", "auto"})
"""Models that are no expert: the consult path, the bare base model, the choice of the gate."""


def host_of(engine: Engine | None) -> AdapterHost | None:
    """The engine, if it holds adapters."""
    able = all(hasattr(engine, name) for name in ("adapters", "hold", "let_go"))
    return cast("AdapterHost", engine) if able else None


def form_of(host: AdapterHost) -> Form:
    """In which form an engine takes adapters: a server in PEFT's, llama.cpp as GGUF."""
    return "peft" if isinstance(host, HttpEngine) else "gguf"


def adapter_of(store: BrickStore, manifest: BrickManifest, form: Form) -> AdapterFile:
    """Verify a brick and lay its adapter out for an engine.

    Args:
        store: holds the brick.
        manifest: of the brick.
        form: ``gguf`` for llama.cpp, ``peft`` for vLLM.

    Raises:
        ExpertRefusedError: it is no adapter, was retired, has a reserved name, or lacks this form.
        BrickRevokedError: its publisher took it back.
        BrickDamagedError: a file is missing or is not what its digest says.
    """
    Installed(store.folder).refuse_revoked(manifest.ref)
    if manifest.kind != "adapter" or manifest.base is None or manifest.rank is None:
        raise ExpertRefusedError(f"{manifest.ref} is of kind {manifest.kind}, not an adapter.")
    if manifest.lineage.operation == "retired":
        raise ExpertRefusedError(f"{manifest.ref} was retired.")
    if manifest.id in RESERVED:
        raise ExpertRefusedError(f"{manifest.id} is the name of another model.")
    files = [file for file in manifest.files if file.role == form]
    if not files:
        raise ExpertRefusedError(
            f"{manifest.ref} is not there as {form}.",
            remedy="`caretier bricks convert` writes the other form.",
        )
    store.verify(manifest.ref)
    weights = max(files, key=lambda file: file.size)
    place = store.lay_out(manifest.ref) / weights.name
    path = place.parent if form == "peft" else place
    return AdapterFile(manifest.id, path, weights.digest, manifest.base, manifest.rank)
