"""A candidate as engines wear it: the parent's adapter with the change put onto it, in both forms.

Made once for a candidate and kept beside it, so that what is published is the very file that was
measured.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from compliance.errors import CaretierError
from services.bricks.adapters.base import Base
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.peft_folder import read_peft, write_peft
from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.store import BrickStore
from services.engines.digest import file_digest
from services.learning.convert import adapter_of, delta_of
from services.learning.errors import RoundBlockedError
from services.learning.rounds.files import read_delta
from services.learning.rounds.ports import Candidate
from services.learning.train.onto import onto
from services.learning.train.parent import parent_folder

PEFT, GGUF = "adapter", "adapter.gguf"
_NOTE = "adapter.json"


@dataclass(frozen=True)
class Made:
    """What the adapter was made of.

    Attributes:
        candidate: digest of the change; parent: brick that it was put onto, None for the base.
        digest: of the GGUF file; rank: of the adapter.
        lost: share of the sum of both that the rank has no room for.
    """

    candidate: str
    parent: str | None
    digest: str
    rank: int
    lost: float


@dataclass(frozen=True)
class Worn:
    """An adapter's file for llama.cpp, by its digest; ``path`` None is the bare model."""

    path: Path | None
    digest: str


def forms(candidate: Candidate, base: Base, store: BrickStore) -> Made:
    """Make both forms of a candidate in its folder, or find them there.

    Raises:
        RoundBlockedError: the parent's brick is not here, or not as it has to be.
    """
    with _alone(candidate.folder):
        held = _held(candidate)
        if held is not None:
            return held
        candidate.say("making the adapter")
        rank = candidate.policy.take.rank
        try:
            with TemporaryDirectory() as scratch:
                folder = parent_folder(store, candidate.parent, Path(scratch))
                parent = delta_of(read_peft(folder)) if folder else None
        except (BrickError, BrickUnknownError) as error:
            raise _no_parent(candidate, error) from error
        delta, lost = onto(parent, read_delta(candidate.path), rank)
        adapter = adapter_of(delta, base.digest)
        with TemporaryDirectory(dir=candidate.folder, prefix=".adapter-") as draft:
            write_peft(adapter, Path(draft) / PEFT)
            write_gguf_adapter(adapter, base.heads, Path(draft) / GGUF, candidate.domain)
            digest = file_digest(Path(draft) / GGUF)
            made = Made(candidate.digest, candidate.parent, digest, rank, lost)
            (Path(draft) / _NOTE).write_text(json.dumps(asdict(made)) + "\n", encoding="utf-8")
            (candidate.folder / _NOTE).unlink(missing_ok=True)
            shutil.rmtree(candidate.folder / PEFT, ignore_errors=True)
            for name in (PEFT, GGUF, _NOTE):  # the note last: without it nothing counts
                (Path(draft) / name).replace(candidate.folder / name)
        return made


def parent_worn(store: BrickStore, ref: str | None) -> Worn:
    """The adapter of the parent as it is now; of a domain without one, the bare model.

    Raises:
        BrickUnknownError, BrickDamagedError: it is not here, or not whole.
        BrickError: it has no form for llama.cpp.
    """
    if ref is None:
        return Worn(None, "base")
    for file in store.get(ref).files:
        if file.role == "gguf":
            store.verify(ref)
            return Worn(store.blob(file.digest), file.digest)
    raise BrickError(f"{ref} has no form for llama.cpp.")


def _held(candidate: Candidate) -> Made | None:
    """What lies there, if it is whole and of this very candidate."""
    try:
        told = json.loads((candidate.folder / _NOTE).read_text(encoding="utf-8"))
        made = Made(**told)
        whole = file_digest(candidate.folder / GGUF) == made.digest
    except (OSError, ValueError, TypeError):
        return None
    same = (made.candidate, made.parent) == (candidate.digest, candidate.parent)
    return made if same and whole and (candidate.folder / PEFT).is_dir() else None


def _no_parent(candidate: Candidate, error: CaretierError) -> RoundBlockedError:
    return RoundBlockedError(
        f"The parent {candidate.parent} cannot be built on: {error.message}",
        remedy=f"Bring it back (`caretier bricks pull {candidate.parent}`), then retry the round.",
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time in a round's folder: an attempt that was fenced off may still be at it."""
    with (folder / ".adapter.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
