"""What a node uses of its bricks: the knowledge and the adapters that are active.

    active = ActiveKnowledge.of_folder("clinic", data / "bricks")
    knowledge = active.load()          # the built-in pack, those of CARETIER_PACKS, active bricks
    active.changed()                   # another version is in use now, or one was mended

A brick of a built-in pack's own name stands in its place, also when it was retired: what was taken
back does not come back out of the software's own folder. A brick that is damaged, that cannot be
read or that has a topic which is there already is left out, and the log says why.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, Protocol, Self

from compliance.errors import CaretierError
from services.bricks.errors import BrickError
from services.bricks.knowledge import PACKS, Knowledge, Topic, pack_folders, read_folder
from services.bricks.manifest import BrickManifest
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.engines.protocol import AdapterFile

_log = logging.getLogger("caretier.knowledge")
Form = Literal["gguf", "peft"]
"""Of an adapter: for llama.cpp, or for vLLM and Transformers."""
Read = list[tuple[Topic, str]]
"""Topics of a pack, each with the text that it was made of."""


class InUse(Protocol):
    """Says which version of each brick is in use."""

    def active(self) -> Mapping[str, int]:
        """Version by id."""
        ...


def active_packs(store: BrickStore, installed: InUse) -> tuple[Path, ...]:
    """Folders of the active knowledge bricks, for `Knowledge.load`; damaged ones are left out."""
    manifests = _manifests(store, installed.active(), {})
    return tuple(folder for _, folder in _folders(store, manifests, {}))


@dataclass(frozen=True)
class ActiveAdapter:
    """An adapter in use, and its file; an engine holds it under ``id@version``.

    So two versions can be held at once while one takes the place of the other, and whoever names
    the adapter names the version.
    """

    manifest: BrickManifest
    file: AdapterFile


@dataclass(frozen=True)
class ActiveAdapters:
    """The adapters of a node that fit its model, by id, and why others are not used, by ref."""

    fit: tuple[ActiveAdapter, ...]
    left_out: Mapping[str, str]


def active_adapters(store: BrickStore, installed: InUse, form: Form, base: str) -> ActiveAdapters:
    """The active adapters of a model in the form that its engine wants.

    One that is damaged, that belongs to another model, or that is not there in this form is left
    out, and the log says so.

    Args:
        store: of the node.
        installed: what is in use.
        form: ``gguf`` for llama.cpp, ``peft`` for vLLM.
        base: digest of the model that the engine runs.

    Raises:
        BrickDamagedError: it is not known what is in use.
    """
    left_out: dict[str, str] = {}
    manifests = _manifests(store, installed.active(), left_out)
    used = [m for m in manifests if m.kind == "adapter" and not is_retired(m)]
    found = (_adapter(store, manifest, form, base, left_out) for manifest in used)
    return ActiveAdapters(tuple(a for a in found if a is not None), left_out)


class ActiveKnowledge:
    """The knowledge of a tier: its packs and the active bricks of its store.

    Attributes:
        left_out: the bricks that the last `load` did not use, each with the reason; ``*`` stands
            for all, where it is not known which are in use.
    """

    def __init__(self, level: str, store: BrickStore, installed: InUse) -> None:
        self.level, self._store, self._installed = level, store, installed
        self._loaded: Mapping[str, int] | None = None
        self._damaged: frozenset[str] = frozenset()
        self.left_out: dict[str, str] = {}

    @classmethod
    def of_folder(cls, level: str, folder: Path) -> Self:
        """Of a store's folder, which may not be there yet."""
        return cls(level, BrickStore(folder), Installed(folder))

    def changed(self) -> bool:
        """Whether `load` would now give something else than it last gave."""
        if self._in_use() != self._loaded:
            return True
        return any(is_whole(self._store, ref) for ref in self._damaged)

    def load(self) -> Knowledge:
        """Read packs and active bricks; no brick can keep the rest from being used.

        Raises:
            BrickError: a built-in pack or a folder of CARETIER_PACKS is not as it has to be.
        """
        self.left_out = {}
        self._loaded = self._in_use()
        manifests = _manifests(self._store, self._loaded or {}, self.left_out)
        folders = list(_folders(self._store, manifests, self.left_out))
        self._damaged = frozenset(self.left_out)
        replaced = set(self._loaded or {})
        if self._loaded is None:
            replaced = {m.id for m in self._store.manifests()}
            _leave_out("*", BrickError("Which versions are in use is not known."), self.left_out)
        read = list(chain.from_iterable(map(read_folder, built_in(replaced))))
        taken = {topic.head.id for topic, _ in read}
        of_brick = {m.ref: (m.domain, *([m.sub_domain] if m.sub_domain else [])) for m in manifests}
        fields: dict[str, tuple[str, ...]] = {}
        for ref, folder in folders:
            pairs = self._read(ref, folder, taken)
            brought = {topic.head.id for topic, _ in pairs}
            fields |= dict.fromkeys(brought, of_brick[ref])
            taken |= brought
            read += pairs
        return Knowledge.of(self.level, read, fields)

    def _in_use(self) -> dict[str, int] | None:
        """Version by id; None where it is not known, and then no brick is used."""
        try:
            return dict(self._installed.active())
        except BrickError:
            return None

    def _read(self, ref: str, folder: Path, taken: set[str]) -> Read:
        try:
            pairs = list(read_folder(folder))
        except (CaretierError, OSError) as error:
            _leave_out(ref, error, self.left_out)
            return []
        seen = set(taken)
        for topic, _ in pairs:
            if topic.head.id in seen:
                reason = BrickError(f"The topic {topic.head.id} is there already.")
                _leave_out(ref, reason, self.left_out)
                return []
            seen.add(topic.head.id)
        return pairs


def built_in(replaced: Collection[str]) -> Iterator[Path]:
    """The packs that are no bricks, but for those in whose place a brick of their name stands."""
    for folder in pack_folders():
        if folder == PACKS:
            yield from (p for p in sorted(PACKS.iterdir()) if p.is_dir() and p.name not in replaced)
        elif folder.name not in replaced:
            yield folder


def is_retired(manifest: BrickManifest) -> bool:
    """Whether this version says that the brick is no longer to be used."""
    return manifest.lineage.operation == "retired"


def _manifests(
    store: BrickStore, in_use: Mapping[str, int], left_out: dict[str, str]
) -> list[BrickManifest]:
    found = []
    for name, version in sorted(in_use.items()):
        try:
            found.append(store.get(f"{name}@{version}"))
        except CaretierError as error:
            _leave_out(f"{name}@{version}", error, left_out)
    return found


def _folders(
    store: BrickStore, manifests: Iterable[BrickManifest], left_out: dict[str, str]
) -> Iterator[tuple[str, Path]]:
    for manifest in manifests:
        if manifest.kind != "knowledge" or is_retired(manifest):
            continue
        try:
            store.verify(manifest.ref)
            yield manifest.ref, store.lay_out(manifest.ref)
        except (CaretierError, OSError) as error:
            _leave_out(manifest.ref, error, left_out)


def _adapter(
    store: BrickStore, manifest: BrickManifest, form: Form, base: str, left_out: dict[str, str]
) -> ActiveAdapter | None:
    made_for, rank = manifest.base or "", manifest.rank or 0  # an adapter's manifest has both
    files = [f for f in manifest.files if f.role == form]
    if made_for != base or not files:
        other = f"It was trained on another model ({made_for[:19]}…) than the one that runs here."
        lacks = f"It is not there as {form}."
        _leave_out(manifest.ref, BrickError(other if made_for != base else lacks), left_out)
        return None
    try:
        store.verify(manifest.ref)
        folder = store.lay_out(manifest.ref)
    except (CaretierError, OSError) as error:
        _leave_out(manifest.ref, error, left_out)
        return None
    weights = next((f for f in files if f.name.endswith(".safetensors")), files[0])
    path = (folder / weights.name).parent if form == "peft" else folder / weights.name
    return ActiveAdapter(manifest, AdapterFile(manifest.ref, path, weights.digest, made_for, rank))


def is_whole(store: BrickStore, ref: str) -> bool:
    """Whether a brick is here with all its files as they were made; they are read for that."""
    try:
        store.verify(ref)
    except (CaretierError, OSError):
        return False
    return True


def _leave_out(ref: str, error: Exception, left_out: dict[str, str]) -> None:
    reason = error.message if isinstance(error, CaretierError) else type(error).__name__
    left_out[ref] = reason
    _log.warning("brick %s is left out: %s", ref, reason)
