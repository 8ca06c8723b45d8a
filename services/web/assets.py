"""Files that pages load, ready to send: bundled, packed, and under an address that names them.

The address of a file holds a digest of its folder (``/static/portal/v-1f3a9c0d52/inbox.js``), so a
browser may keep it for good and a new version is never mixed with an old one. Templates, style
sheets and modules name files without it (``/static/portal/inbox.js``); `versioned` puts it in.

Only these files are compressed, and no page: a page holds the token of its session beside text that
somebody else chose, and the length of such a page when compressed tells of the token (BREACH).

Example:
    >>> from services.web.templating import STATIC
    >>> versioned('<link href="/static/caretier/caretier.css">', assets("caretier", STATIC))
    ... # doctest: +ELLIPSIS
    '<link href="/static/caretier/v-.../caretier.css">'
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

FOR_GOOD = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
"""Kept, and asked for again each time: for an address that names no version."""
PACKED = frozenset({".css", ".js", ".svg", ".webmanifest", ".json"})
SHARED = Path(__file__).parent / "static"
LEAST_BYTES = 256
"""A smaller file gains nothing by being compressed."""

_IMPORT = re.compile(r'@import url\("([\w.-]+)"\) layer\(([\w-]+)\);')
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
_VERSION = re.compile(r"v-[0-9a-f]{10}")
_NEEDS = re.compile(r'^(?:import|export) (?:[^";]*? from )?"([^"]+)";', re.MULTILINE)
_OWN_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    packed: bytes | None
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Asset:
        """Make it ready; text is packed where that makes it smaller."""
        suffix = Path(name).suffix
        small = suffix in PACKED and len(content) >= LEAST_BYTES
        kind = _OWN_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return cls(
            content=content,
            packed=gzip.compress(content, 9, mtime=0) if small else None,
            media_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"',
        )


class Assets:
    """An ASGI application that serves the files of one folder.

    Attributes:
        name: of the folder in addresses: ``/static/<name>``.
        version: digest of all its files; a file that changes changes it.
        files: what is served, by path below the folder.
    """

    def __init__(self, name: str, folder: Path, shared: Assets | None = None) -> None:
        self.name, self._shared = name, shared
        found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        made = {at: self._made(folder, path) for at, path in sorted(found.items())}
        whole = hashlib.sha256()
        for at, content in made.items():
            whole.update(at.encode() + b"\0" + hashlib.sha256(content).digest())
        self.version = f"v-{whole.hexdigest()[:10]}"
        self.files = {at: Asset.of(at, content) for at, content in made.items()}

    def _made(self, folder: Path, path: Path) -> bytes:
        if path.suffix == ".css":
            return _bundle(folder, path.read_text("utf-8")).encode()
        if path.suffix == ".js" and self._shared is not None:
            return versioned(path.read_text("utf-8"), self._shared).encode()
        return path.read_bytes()

    @property
    def base(self) -> str:
        """Where the files of this version are, without the last slash."""
        return f"/static/{self.name}/{self.version}"

    def needs(self, name: str) -> list[str]:
        """Addresses of the modules that a module loads, those that they load too."""
        folders = {one.base: one for one in (self, self._shared) if one is not None}
        seen: dict[str, None] = {}
        todo = [f"{self.base}/{name}"]
        while todo:
            address = todo.pop()
            base, _, file = address.rpartition("/")
            asset = folders[base].files.get(file) if base in folders else None
            if asset is None or address in seen:
                continue
            seen[address] = None
            named = _NEEDS.findall(asset.content.decode("utf-8"))
            todo += [
                f"{base}/{one[2:]}" if one.startswith("./") else self._full(one) for one in named
            ]
        return [address for address in seen if not address.endswith(f"/{name}")]

    def _full(self, address: str) -> str:
        return versioned(f'"{address}"', self).strip('"')

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file; 304 where the browser has it.

        Raises:
            HTTPException: there is none, or it is asked for by another method.
        """
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405)
        path = scope["path"].removeprefix(scope.get("root_path", "")).strip("/")
        first, _, rest = path.partition("/")
        dated = bool(_VERSION.fullmatch(first))
        asset = self.files.get(rest if dated else path)
        if asset is None:
            raise HTTPException(404)
        current = dated and first == self.version
        await _reply(asset, Headers(scope=scope), for_good=current)(scope, receive, send)


def _reply(asset: Asset, asked: Headers, *, for_good: bool) -> Response:
    headers = {
        "etag": asset.etag,
        "cache-control": FOR_GOOD if for_good else ASK_FIRST,
        "vary": "accept-encoding",
    }
    if asset.etag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = asset.content
    if asset.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        body, headers["content-encoding"] = asset.packed, "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)


def _bundle(folder: Path, css: str) -> str:
    """One style sheet of all that it imports, each in its layer; a browser then asks once."""

    def whole(found: re.Match[str]) -> str:
        text = (folder / found[1]).read_text("utf-8")
        return f"@layer {found[2]} {{\n{text}}}"

    return _COMMENT.sub("", _IMPORT.sub(whole, css))


def versioned(text: str, *known: Assets) -> str:
    """The text with the version put into each quoted address of a known folder's file."""
    for one in known:
        old = re.compile(rf'(["\'`])/static/{re.escape(one.name)}/(?!v-)')
        text = old.sub(rf"\g<1>{one.base}/", text)
    return text


@lru_cache
def assets(name: str, folder: Path) -> Assets:
    """The files of a folder, read once; its modules may use those of the design system."""
    return Assets(name, folder, None if folder == SHARED else assets("caretier", SHARED))
