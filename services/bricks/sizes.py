"""How many bytes things are, for people, and what a brick is measured against."""

from __future__ import annotations

from collections.abc import Iterable

from rich.filesize import decimal

from services.bricks.blobs import digest_of
from services.bricks.manifest import BrickManifest
from services.engines.errors import EngineUnavailableError
from services.engines.settings import embedded_model


def said_bytes(size: int) -> str:
    """Like ``92.6 MB``."""
    return decimal(size)


def model_size(manifest: BrickManifest, others: Iterable[BrickManifest]) -> int | None:
    """Bytes of the model that a brick belongs to; None where it is not known.

    Args:
        manifest: of the brick.
        others: bricks among which the model may be; the embedded model is known in any case.
    """
    if manifest.base is None:
        return None
    for other in others:
        for file in other.files:
            if other.kind == "model" and file.digest == manifest.base:
                return file.size
    try:
        digest, size = digest_of(embedded_model())
    except (EngineUnavailableError, OSError):
        return None
    return size if digest == manifest.base else None
