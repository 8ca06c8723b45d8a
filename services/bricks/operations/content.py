"""What a brick is made of, by its kind: each knows its files, its fields and how it is measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from services.bricks.errors import BrickError
from services.bricks.ingest.manifest import Manifest
from services.bricks.manifest import BrickKind, BrickManifest, Evaluation, Role
from services.bricks.operations.adapter import AdapterContent, is_adapter
from services.bricks.operations.evaluate import Against, measure_packs
from services.bricks.operations.packs import (
    pack_fields,
    pack_files,
    parts_for,
    read_pack,
    write_parts,
)
from services.bricks.operations.workshop import Workshop
from services.bricks.serving import is_retired
from services.bricks.topic import Topic


class Held(Protocol):
    """What a version of a brick holds."""

    @property
    def kind(self) -> BrickKind:
        """Of the brick."""
        ...

    def fields(self) -> dict[str, Any]:
        """Those fields of the manifest that the content itself decides."""
        ...

    def files(self, draft: Path, before: BrickManifest | None) -> Mapping[str, tuple[Path, Role]]:
        """Its files, made in the folder ``draft`` where they are not there already."""
        ...


class Content(Held, Protocol):
    """What a brick of use holds: it can be measured."""

    def beside(self, parent: Any) -> tuple[Content, Content]:
        """What a node has with this under a parent, and without it: the two are compared."""
        ...

    def measure(
        self, shop: Workshop, before: Sequence[Any], against: Against = "best"
    ) -> list[Evaluation]:
        """Its figures, each beside the best (or weakest) of what it replaces or joins."""
        ...


@dataclass(frozen=True)
class PackContent:
    """Topics, what their pack says of itself, and the ids of topics that were taken out of it."""

    said: Manifest
    topics: tuple[Topic, ...]
    retired: tuple[str, ...] = ()
    kind: BrickKind = "knowledge"

    def fields(self) -> dict[str, Any]:
        """Title, level, languages, licence and sources with their dates."""
        return pack_fields(self.said, self.topics)

    def files(self, draft: Path, before: BrickManifest | None) -> Mapping[str, tuple[Path, Role]]:
        """The pack in parts."""
        parts = parts_for(self.topics, before)
        write_parts(draft / "pack", self.said, self.topics, parts, self.retired)
        return pack_files(draft / "pack")

    def beside(self, parent: PackContent) -> tuple[PackContent, PackContent]:
        """The topics of both together, and the parent's alone."""
        return replace(self, topics=(*parent.topics, *self.topics)), parent

    def measure(
        self, shop: Workshop, before: Sequence[PackContent], against: Against = "best"
    ) -> list[Evaluation]:
        """Its own questions put to the search, and contradictions among its sentences."""
        shop.say(f"measuring {len(self.topics)} topics")
        return measure_packs(
            self.topics,
            [content.topics for content in before],
            shop.embedder(),
            against=against,
            cache=shop.cache,
            language=self.said.language,
            today=shop.now().date(),
        )

    def after(self, old: PackContent, restore: Collection[str] = ()) -> PackContent:
        """The same as the next version of another, whose retired topics stay retired.

        Raises:
            BrickError: one of them is in it again and not among those to restore.
        """
        gone = sorted({*old.retired, *self.retired} - set(restore))
        if back := sorted(set(gone) & {topic.head.id for topic in self.topics}):
            raise BrickError(
                f"It holds topics that were retired: {', '.join(back)}.",
                remedy="Take them out of the pack, or let them come back with --restore ID.",
            )
        return replace(self, retired=tuple(gone))


def content_of(shop: Workshop, path: Path) -> Content:
    """The content that lies in a folder: a pack, or an adapter in PEFT's form.

    Raises:
        BrickError: it is neither, or not as it has to be.
        AdapterMismatchError: it was trained on another model.
    """
    if is_adapter(path):
        return AdapterContent.read(path, shop.model)
    if not path.is_dir():
        raise BrickError(
            f"{path} is no folder of a pack or of a PEFT adapter.",
            remedy="`caretier bricks ingest` makes packs, `caretier bricks convert` adapters.",
        )
    return PackContent(*read_pack(path))


def content_of_brick(shop: Workshop, manifest: BrickManifest) -> Content:
    """The content of a brick in the store, its files verified.

    Raises:
        BrickDamagedError: a file is missing or is not what its digest says.
        BrickError: the brick was retired, or is of another kind than knowledge or adapter.
    """
    if is_retired(manifest):
        raise BrickError(f"{manifest.ref} was retired: {manifest.lineage.note}")
    shop.store.verify(manifest.ref)
    folder = shop.store.lay_out(manifest.ref)
    if manifest.kind == "knowledge":
        return PackContent(*read_pack(folder))
    if manifest.kind == "adapter":
        return AdapterContent.read(folder, shop.model)
    raise BrickError(f"{manifest.ref} is a brick of kind {manifest.kind}; it cannot be worked on.")
