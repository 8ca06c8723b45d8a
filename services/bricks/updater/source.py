"""Where bytes of a repository come from: a folder here, or (see `http`) a server.

A source is trusted with nothing: whatever it gives is checked against signed metadata. Both kinds
are a fetcher of python-tuf, which asks by path (``metadata/3.root.json``), and fail with its errors
(`tuf.api.exceptions`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface

NOT_FOUND = 404
"""What a source says of a file that it does not have, in HTTP's numbers."""
PIECE = 1 << 20
"""Bytes given at a time."""


class Source(FetcherInterface):
    """Gives the files of a repository by their paths in it."""

    @abstractmethod
    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """The bytes of a file, from one of them on.

        Args:
            path: relative, like ``targets/blobs/<hex>``.
            start: how many bytes are left out.

        Raises:
            DownloadHTTPError: there is no such file, or it is refused.
            SlowRetrievalError: it comes too slowly.
            DownloadError: it breaks off, or there is no answer at all.
        """

    def close(self) -> None:
        """Free what the source holds; `with` does it too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self.read(url)


class FolderSource(Source):
    """A repository, or a copy of one, in a folder: its own, or one that was carried here.

    Args:
        folder: with ``metadata`` and ``targets``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See `Source.read`."""
        place = (self._folder / path).resolve()
        if not place.is_relative_to(self._folder) or not place.is_file():
            raise DownloadHTTPError(f"There is no {path}.", NOT_FOUND)
        try:
            with place.open("rb") as stream:
                stream.seek(start)
                while piece := stream.read(PIECE):
                    yield piece
        except OSError as error:
            raise DownloadError(f"{path} cannot be read.") from error
