"""The bricks of a node: manifests by name and version, files by their digests.

    store = BrickStore(data / "bricks")
    store.add(manifest, {"adapter.gguf": downloaded})      # verified; equal files are kept once
    store.path("heart-style@2", "adapter.gguf")            # the file, read-only
    store.lay_out("heart-style@2")                         # a folder, files under their names
    store.remove("heart-style@1")                          # bytes freed

Below the folder: ``blobs/sha256/ab/abcd…``, ``manifests/<id>/<version>.json`` and
``laid/<id>@<version>/``. A manifest comes into place last, so a brick is here whole or not at all.
A version never changes: other content under the same number is refused.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from compliance.audit.files import sync_folder
from services.bricks.blobs import READ_ONLY, Blobs, digest_of, said_of_disk
from services.bricks.errors import BrickDamagedError, BrickError, BrickUnknownError
from services.bricks.manifest import MAX_MANIFEST, BrickFile, BrickManifest, Role, split_ref

_log = logging.getLogger(__name__)


class BrickStore:
    """Bricks on this machine; several processes may use one at once.

    Args:
        folder: of the store; made when something is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = Blobs(folder / "blobs")

    def add(self, manifest: BrickManifest, files: Mapping[str, Path]) -> None:
        """Take a brick in; the same one again changes nothing, but mends what is damaged.

        Args:
            manifest: of the brick.
            files: where its files lie, by their names in the brick. Those whose content is here
                already may be left out.

        Raises:
            BrickDamagedError: a file lacks, or is not what the manifest says.
            BrickError: a file that the manifest does not name, or other content under this version.
            BrickNotWrittenError: the disk is full, or may not be written.
        """
        names = {file.name for file in manifest.files}
        if strange := set(files) - names:
            raise BrickError(f"{manifest.ref} names no file {min(strange)}.")
        with said_of_disk(self.folder), self._lock("lock", fcntl.LOCK_SH):
            self._refuse_other(manifest)
            sources = {f.digest: files[f.name] for f in manifest.files if f.name in files}
            for file in manifest.files:
                self._take(manifest, file, sources.pop(file.digest, None))
            self._write(manifest)

    def make(
        self, fields: Mapping[str, Any], files: Mapping[str, tuple[Path, Role]]
    ) -> BrickManifest:
        """Make a brick of files on this machine, and add it.

        Args:
            fields: of the manifest, all but ``files``.
            files: path and role of each, by its name in the brick.

        Raises:
            BrickError: a field is not as it has to be, a file cannot be read, or the version is
                here with other content.
        """
        named = []
        for name, (path, role) in sorted(files.items()):
            try:
                digest, size = digest_of(path)
            except OSError:
                raise BrickError(f"{path} cannot be read.") from None
            named.append({"name": name, "digest": digest, "size": size, "role": role})
        manifest = BrickManifest.parse(to_json({**fields, "files": named}))
        self.add(manifest, {name: path for name, (path, _) in files.items()})
        return manifest

    def get(self, ref: str) -> BrickManifest:
        """The manifest of a brick.

        Raises:
            BrickUnknownError: it is not here.
            BrickDamagedError: its manifest is not as it was written.
        """
        try:
            with self._manifest(ref).open("rb") as stream:
                raw = stream.read(MAX_MANIFEST + 1)
        except FileNotFoundError:
            raise BrickUnknownError(f"There is no brick {ref} here.") from None
        try:
            manifest = BrickManifest.parse(raw)
        except BrickError as error:
            raise BrickDamagedError(f"The manifest of {ref} is damaged: {error.message}") from None
        if manifest.ref != ref or manifest.canonical() != raw:
            raise BrickDamagedError(f"The manifest of {ref} is damaged.")
        return manifest

    def refs(self, brick: str | None = None) -> list[str]:
        """``id@version`` of all bricks here, or of one's versions, in their order."""
        found = [
            (path.parent.name, int(path.stem))
            for path in (self.folder / "manifests").glob("*/*.json")
            if path.stem.isdecimal() and brick in {None, path.parent.name}
        ]
        return [f"{name}@{version}" for name, version in sorted(found)]

    def manifests(self, brick: str | None = None) -> list[BrickManifest]:
        """The manifests of all bricks here, or of one's versions; a damaged one is left out."""
        found = []
        for ref in self.refs(brick):
            try:
                found.append(self.get(ref))
            except BrickError as error:
                _log.warning("%s %s", error.message, error.advice)
        return found

    def latest(self, brick: str) -> BrickManifest:
        """The manifest of a brick's highest version here.

        Raises:
            BrickUnknownError: there is none.
            BrickDamagedError: its manifest is damaged.
        """
        refs = self.refs(brick)
        if not refs:
            raise BrickUnknownError(f"There is no brick {brick} here.")
        return self.get(refs[-1])

    def blob(self, digest: str) -> Path:
        """The file of a digest; its content is not looked at (`verify` does that).

        Raises:
            BrickDamagedError: it is not here.
        """
        path = self.blobs.path(digest)
        if not path.is_file():
            raise BrickDamagedError(f"The file {digest[:19]}… is not here.")
        return path

    def path(self, ref: str, name: str) -> Path:
        """A file of a brick, by its name in it.

        Raises:
            BrickUnknownError: there is no such brick, or no such file in it.
            BrickDamagedError: the file is missing.
        """
        for file in self.get(ref).files:
            if file.name == name:
                return self.blob(file.digest)
        raise BrickUnknownError(f"{ref} has no file {name}.")

    def lay_out(self, ref: str, folder: Path | None = None) -> Path:
        """All files of a brick in a folder under their names, for those who want a folder.

        Args:
            ref: of the brick.
            folder: that is made, or found as it was made; ``laid/<ref>`` of the store when None.

        Raises:
            BrickUnknownError: there is no such brick.
            BrickDamagedError: a file is missing.
            BrickNotWrittenError: the disk is full, or may not be written.
        """
        files = {f.name: self.blob(f.digest) for f in self.get(ref).files}
        place = folder or self.folder / "laid" / ref
        with (
            said_of_disk(place),
            self._lock("lock", fcntl.LOCK_SH),
            self._lock("laid.lock", fcntl.LOCK_EX),
        ):
            if not all(_same(blob, place / name) for name, blob in files.items()):
                _fill(place, files)
        return place

    def verify(self, ref: str) -> None:
        """Read every file of a brick through its digest.

        Raises:
            BrickUnknownError: there is no such brick.
            BrickDamagedError: naming the file that is missing or not what it has to be.
        """
        for file in self.get(ref).files:
            if not self.blobs.whole(file.digest, file.size):
                raise BrickDamagedError(f"{file.name} of {ref} is missing or damaged.")

    def remove(self, ref: str) -> int:
        """Delete a brick, and the files that no other one names; return the bytes freed.

        Raises:
            BrickUnknownError: it is not here.
            BrickDamagedError: another manifest cannot be read, so that it is not known which files
                it needs; nothing was deleted.
        """
        with said_of_disk(self.folder), self._lock("lock", fcntl.LOCK_EX):
            path = self._manifest(ref)
            if not path.is_file():
                raise BrickUnknownError(f"There is no brick {ref} here.")
            others = [self.get(other) for other in self.refs() if other != ref]
            path.unlink()
            sync_folder(path.parent)
            shutil.rmtree(self.folder / "laid" / ref, ignore_errors=True)
            return self.blobs.sweep({file.digest for m in others for file in m.files})

    def _manifest(self, ref: str) -> Path:
        name, version = split_ref(ref)
        return self.folder / "manifests" / name / f"{version}.json"

    def _refuse_other(self, manifest: BrickManifest) -> None:
        try:
            held = self.get(manifest.ref)
        except (BrickUnknownError, BrickDamagedError):
            return
        if held != manifest:
            raise BrickError(
                f"{manifest.ref} is here already with other content.",
                remedy="Give what changed a new version.",
            )

    def _take(self, manifest: BrickManifest, file: BrickFile, source: Path | None) -> None:
        name = f"{file.name} of {manifest.ref}"
        if source is not None:
            self.blobs.put(source, file.digest, file.size, name=name)
        elif not self.blobs.whole(file.digest, file.size):
            raise BrickDamagedError(f"{name} was not given and is not here.")

    def _write(self, manifest: BrickManifest) -> None:
        path, raw = self._manifest(manifest.ref), manifest.canonical()
        if path.is_file() and path.read_bytes() == raw:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.blobs.draft() as draft:
            with draft.open("xb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())
            draft.chmod(READ_ONLY)
            draft.replace(path)
            sync_folder(path.parent)

    @contextmanager
    def _lock(self, name: str, how: int) -> Iterator[None]:
        """``lock``: several may add at once (shared), nobody while one deletes (exclusive)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{name}").open("ab") as stream:
            fcntl.flock(stream, how)
            yield


def _fill(place: Path, files: Mapping[str, Path]) -> None:
    """Make a folder of these files, whole or not at all."""
    draft = place.with_name(f".{place.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    for name, blob in files.items():
        _link(blob, draft / name)
    if place.exists():  # some of its files were damaged, and are new now
        shutil.rmtree(place)
    draft.replace(place)


def _same(blob: Path, laid: Path) -> bool:
    """Whether it is the same file, or a copy that was made of it as it is now."""
    try:
        one, other = blob.stat(), laid.stat()
    except OSError:
        return False
    copied = (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
    return copied or blob.samefile(laid)


def _link(blob: Path, place: Path) -> None:
    """A second name for a read-only file; a copy where the file system has no such thing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(blob, place)
    except OSError:
        shutil.copy2(blob, place)
