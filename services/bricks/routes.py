"""The repository over HTTP: signed metadata, manifests, and files, in part if asked for so.

A hospital serves its own repository, a clinic the copy that it keeps. What is served is signed and
named by digests, so whoever serves it cannot change it; only enrolled nodes may ask all the same.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse

from compliance.errors import NotFoundError
from services.bricks.repository.layout import METADATA_NAME, TARGET_NAME

PREFIX = "/bricks"
"""Where a repository stands below a server's address."""
_FOR_GOOD = "private, max-age=31536000, immutable"


def bricks_router(folder: Path, caller: Callable[..., Awaitable[str]]) -> APIRouter:
    """Routes ``GET /bricks/metadata/{file}`` and ``GET /bricks/targets/{path}`` (with Range).

    Args:
        folder: of the repository (``metadata`` and ``targets`` lie in it); it may come later.
        caller: a dependency that lets only enrolled nodes through.
    """
    router = APIRouter(prefix=PREFIX, tags=["bricks"], dependencies=[Depends(caller)])

    @router.get("/metadata/{file}", response_class=FileResponse)
    def metadata(file: str) -> FileResponse:
        """A version of a role's metadata, or the current timestamp."""
        path = _named(folder / "metadata", file, METADATA_NAME)
        fresh = file == "timestamp.json"
        caching = "no-cache" if fresh else _FOR_GOOD
        return FileResponse(path, media_type="application/json", headers={"cache-control": caching})

    @router.get("/targets/{path:path}", response_class=FileResponse)
    def target(path: str) -> FileResponse:
        """A brick's manifest, the list of revoked bricks, or a file by its digest."""
        found = _named(folder / "targets", path, TARGET_NAME)
        headers = {"cache-control": _FOR_GOOD, "etag": f'"{found.name}"'}
        return FileResponse(found, media_type="application/octet-stream", headers=headers)

    return router


def _named(folder: Path, name: str, form: re.Pattern[str]) -> Path:
    """The file of a name that has the form of one; a link is not followed.

    Raises:
        NotFoundError: it has not, or there is none.
    """
    path = folder / name
    if form.fullmatch(name) is None or path.is_symlink() or not path.is_file():
        raise NotFoundError("There is no such file in the repository.")
    return path
