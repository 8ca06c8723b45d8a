"""A tiny model and adapters of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_llama import make_model

from services.bricks.adapters.base import Base


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_model(tmp_path / "tiny")


@pytest.fixture
def base(folder: Path) -> Base:
    return Base.of(folder)
