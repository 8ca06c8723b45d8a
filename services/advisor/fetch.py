"""Bring a chosen model here, from what the site has itself, or say what to copy where.

    got = Shelves(folder, source="/mnt/models").fetch(model, file)
    got.path, got.came_from

Looked at in this order: the models' folder, the node's bricks, the node's brick repository, the
site's own folder or server of models. Nothing is fetched from a publisher by itself: whether a
hospital's machine may speak to the outside is not for a program to decide. A file is taken only
when its digest is known and holds.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from compliance.errors import BadInputError, CaretierError
from services.advisor.catalogue import CatalogueModel, ModelFile
from services.advisor.errors import ModelSourceError
from services.bricks.blobs import digest_of
from services.bricks.manifest import BrickFile, BrickManifest
from services.bricks.store import BrickStore
from services.bricks.updater.download import Downloads, Progress, silent
from services.bricks.updater.http import HttpSource
from services.bricks.updater.installed import Installed
from services.bricks.updater.limits import Limits
from services.bricks.updater.source import FolderSource, Source
from services.engines.settings import embedded_model

PARTS, SUMS = "partial", "SHA256SUMS"
"""Folder of what is on its way, and a site's own list of digests, as sha256sum writes it."""
MOST = 1.12
"""How much longer than the catalogue says a file may be; its digest decides in the end."""
MAX_SUMS = 1 << 20
"""Bytes of that list."""
_PATIENCE = 15.0


@dataclass(frozen=True)
class Got:
    """A model that is here; ``moved`` bytes were fetched for it."""

    path: Path
    digest: str
    came_from: str
    moved: int


class _Named(Source):
    """Gives one file of a source, whatever it is asked for."""

    def __init__(self, inner: Source, name: str) -> None:
        self._inner, self._name = inner, name

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:  # noqa: ARG002 - by digest
        """See `Source.read`."""
        return self._inner.read(self._name, start)


class Shelves:
    """Where a site keeps models.

    Args:
        folder: of the models in use.
        data: of the node, whose bricks are looked through; None for none.
        source: folder, or https address, of the site's own models; None for none.
        progress: is told how far a file is.
    """

    def __init__(
        self,
        folder: Path,
        *,
        data: Path | None = None,
        source: str | None = None,
        progress: Progress = silent,
    ) -> None:
        self._folder, self._data, self._source = folder, data, source
        self._progress = progress
        self._refused = ""

    def target(self, file: ModelFile) -> Path:
        """Where a file lies once it is here."""
        return embedded_model() if file.embedded else self._folder / file.name

    def here(self, file: ModelFile, digest: str | None = None) -> Got | None:
        """The model, if it is in place already.

        Raises:
            ModelSourceError: what lies in its place is something else, or was taken back.
        """
        path, wanted = self.target(file), digest or file.digest
        if not path.is_file():
            return None
        found, _ = digest_of(path)
        if wanted is not None and found != wanted:
            raise ModelSourceError(
                f"{path} is not what its digest says.", remedy="Move it away and fetch it again."
            )
        if (reason := self._taken_back(found)) is not None:
            raise ModelSourceError(
                f"{path} is not to be used: {reason}", remedy="Move it away, or choose another one."
            )
        return Got(path, found, "in place already", 0)

    def fetch(self, model: CatalogueModel, file: ModelFile, digest: str | None = None) -> Got:
        """Bring a file here.

        Args:
            model: that was chosen.
            file: of it.
            digest: that the operator vouches for, where the catalogue knows none.

        Raises:
            ModelSourceError: nothing here has it, or what came does not hold; the error's advice
                says what to copy where.
        """
        wanted = digest or file.digest
        return (
            self.here(file, digest)
            or self._of_bricks(model, file, wanted)
            or self._of_source(file, wanted)
            or self._nowhere(file, wanted)
        )

    def _of_bricks(self, model: CatalogueModel, file: ModelFile, wanted: str | None) -> Got | None:
        if self._data is None:
            return None
        name = brick_id(model)
        found = self._brick(name, wanted)
        if found is None and self._repository():
            from services.bricks.updater.commands import pull

            try:
                with contextlib.redirect_stdout(sys.stderr):  # standard output is the answer's
                    pull([name], data=self._data)
            except CaretierError as error:  # it does not have it, or is not to be trusted
                self._refused = f" The node's repository: {error.message}"
                return None
            found = self._brick(name, wanted)
        if found is None:
            return None
        path, held = found
        target = self.target(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".part")
        shutil.copyfile(path, draft)
        return self._put(draft, target, held, "the node's bricks")

    def _brick(self, name: str, wanted: str | None) -> tuple[Path, str] | None:
        """Path and digest of a model among the bricks, of its highest version that may be used."""
        for manifest, file, reason in self._models():
            if wanted != file.digest if wanted else manifest.id != name:
                continue
            if reason is None:
                assert self._data is not None  # noqa: S101 - or there were no models
                return BrickStore(self._data / "bricks").path(manifest.ref, file.name), file.digest
            self._refused = f" {reason}"
        return None

    def _models(self) -> Iterator[tuple[BrickManifest, BrickFile, str | None]]:
        """Models among the bricks, the highest version first, and why one was taken back.

        Raises:
            BrickDamagedError: it is not known what was taken back.
        """
        if self._data is None:
            return
        folder = self._data / "bricks"
        revoked = Installed(folder).state().revoked
        for manifest in reversed(BrickStore(folder).manifests()):
            said = revoked.get(manifest.ref)
            reason = None if said is None else f"{manifest.ref} was taken back: {said}"
            for file in manifest.files if manifest.kind == "model" else ():
                if file.name.endswith(".gguf"):
                    yield manifest, file, reason

    def _taken_back(self, digest: str) -> str | None:
        """Why a file is not to be used: all bricks that hold it were taken back."""
        reasons = [reason for _, file, reason in self._models() if file.digest == digest]
        return reasons[0] if reasons and None not in reasons else None

    def _repository(self) -> bool:
        assert self._data is not None  # noqa: S101 - asked by _of_bricks alone
        return any((self._data / n / "metadata").is_dir() for n in ("repository", "mirror"))

    def _of_source(self, file: ModelFile, wanted: str | None) -> Got | None:
        if self._source is None:
            return None
        with _opened(self._source) as source:
            sums = _sums(source)
            held = wanted or sums.get(file.name)
            size = _length(self._source, file.name)
            if size is None:
                return None
            if held is None:
                raise ModelSourceError(
                    f"The digest of {file.name} is not known.",
                    remedy=f"Put it into {SUMS} beside the file, or give it with --digest.",
                )
            if size > file.size * MOST:
                raise ModelSourceError(f"{file.name} has {size:,} bytes there, far too many.")
            downloads = Downloads(
                self._folder / PARTS, _Named(source, file.name), Limits(), self._progress
            )
            asked = BrickFile(name=file.name, digest=held, size=size, role="model")
            part = downloads.fetch(asked)
        return self._put(part, self.target(file), held, self._source, downloads.moved)

    def _put(self, part: Path, target: Path, held: str, came: str, moved: int = 0) -> Got:
        if digest_of(part)[0] != held:
            part.unlink()
            raise ModelSourceError(f"{target.name} is not what its digest says.")
        part.replace(target)
        return Got(target, held, came, moved)

    def _nowhere(self, file: ModelFile, wanted: str | None) -> Got:
        where = file.url or "the place where you keep models"
        sum_ = wanted or "not known here; take the SHA-256 that the page of the file shows"
        raise ModelSourceError(
            f"{file.name} is nowhere at this site.{self._refused}",
            remedy=f"On a machine with a network, fetch {where} ({file.size / 1e9:.2f} GB);"
            f" digest: {sum_}. Copy it to {self.target(file)} and run this again, or put it into a"
            " folder and give that with --from.",
        )


def brick_id(model: CatalogueModel) -> str:
    """The id under which a model is looked for among bricks."""
    return model.id.replace(".", "-")[:48]


def _opened(place: str) -> Source:
    if place.startswith("https://"):
        try:
            httpx.URL(place)
            urlsplit(place)
        except (httpx.InvalidURL, ValueError):
            raise BadInputError(f"{place} is no address.") from None
        return HttpSource(place)
    if not (folder := Path(place)).is_dir():
        raise BadInputError(f"{place} is neither a folder nor an https address.")
    return FolderSource(folder)


def _sums(source: Source) -> dict[str, str]:
    """Digests by name, as the site's own list gives them; empty where there is none."""
    from tuf.api.exceptions import DownloadError

    text = b""
    try:
        for piece in source.read(SUMS):
            text += piece
            if len(text) > MAX_SUMS:
                return {}
    except DownloadError:
        return {}
    rows = (line.split(maxsplit=1) for line in text.decode(errors="replace").splitlines())
    pairs = [row for row in rows if len(row) == 2 and len(row[0]) == 64]  # noqa: PLR2004 - hex, name
    return {name.lstrip("*").strip(): f"sha256:{hexes.lower()}" for hexes, name in pairs}


def _length(place: str, name: str) -> int | None:
    """Bytes that a file has there; None where there is no such file.

    Raises:
        ModelSourceError: the server does not answer, or does not say.
    """
    if not place.startswith("https://"):
        path = Path(place) / name
        return path.stat().st_size if path.is_file() else None
    try:
        reply = httpx.Client(trust_env=False, timeout=_PATIENCE).head(f"{place.rstrip('/')}/{name}")
    except httpx.HTTPError as error:
        raise ModelSourceError(f"{place} does not answer ({type(error).__name__}).") from error
    if reply.status_code == httpx.codes.NOT_FOUND:
        return None
    length = reply.headers.get("content-length", "")
    if reply.status_code != httpx.codes.OK or not length.isdigit():
        raise ModelSourceError(f"{place} answers {reply.status_code} and gives no length.")
    return int(length)
