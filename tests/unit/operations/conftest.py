"""A store of bricks, and packs to put into it."""

from __future__ import annotations

from itertools import count

import pytest
from support.packs import MADE, ByWords, said

from services.bricks.operations.packs import pack_fields, pack_files, write_parts
from services.bricks.operations.workshop import Workshop
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed


@pytest.fixture
def by_words():
    return ByWords()


@pytest.fixture
def store(tmp_path):
    return BrickStore(tmp_path / "bricks")


@pytest.fixture
def installed(store):
    return Installed(store.folder)


@pytest.fixture
def put(store, tmp_path):
    """Puts topics into the store as a version of a brick, and returns its manifest."""

    def made(id_, *topics, version=1, operation="made", parts=4, **fields):
        folder = tmp_path / "made" / f"{id_}-{version}"
        write_parts(folder, said(id_), topics, parts)
        whole = {
            "id": id_,
            "version": version,
            "kind": "knowledge",
            "domain": "general",
            "created": MADE,
            "lineage": {"operation": operation},
            **pack_fields(said(id_), topics),
            **fields,
        }
        return store.make(whole, pack_files(folder))

    return made


@pytest.fixture
def pack(tmp_path):
    """Writes topics as a pack's folder, as `caretier bricks ingest` does."""
    numbers = count()

    def written(name, *topics, **more):
        folder = tmp_path / "packs" / f"{name}-{next(numbers)}" / name
        write_parts(folder, said(more.pop("id_", name), **more), topics, 1)
        return folder

    return written


@pytest.fixture
def shop(store, by_words):
    """A workshop at the time that manifests of tests bear."""
    return Workshop(store, lambda: by_words, now=lambda: MADE)
