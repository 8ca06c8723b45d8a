"""What a brick says of itself: the signed manifest.

A brick is a named, numbered module: its manifest names every file by digest and length, what it is
for (level, domain, language), what it stands on (parent, base model), where it comes from (lineage,
sources) and how well it did (evaluations). The manifest is what a repository signs; files are kept
and fetched by their digests alone, so that equal files exist once.

    manifest = BrickManifest.parse(path.read_bytes())
    manifest.ref                                 # BrickRef("cardiology-style@3")
    manifest.canonical()                         # bytes that are signed and digested
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from services.bricks.errors import BrickError

MAX_MANIFEST = 256 * 1024
"""Bytes of a manifest at most; a longer one is not read."""

BrickKind = Literal["adapter", "knowledge", "policy", "emergent", "model"]
"""What a brick is; ``emergent`` is a model that was merged of others."""
Role = Literal["peft", "gguf", "pack", "policy", "model", "tokenizer", "card", "other"]
"""What a file of a brick is for."""
Operation = Literal["made", "updated", "merged", "grown", "retired"]
"""How a version came to be."""
Level = Literal["device", "clinic", "hospital"]
"""The tier that a brick is made for; those above it use it too."""

_ID = r"^[a-z0-9][a-z0-9-]{0,47}$"
_REF = re.compile(r"^([a-z0-9][a-z0-9-]{0,47})@([1-9][0-9]{0,8})$")
BrickId = Annotated[str, StringConstraints(pattern=_ID)]
"""Name of a brick, a domain or a sub-domain: lower case, digits and hyphens."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""SHA-256 of a file's content."""
BrickRef = Annotated[str, StringConstraints(pattern=_REF.pattern)]
"""``id@version``."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
"""One line for people."""
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
FileName = Annotated[str, StringConstraints(pattern=rf"^{_PART}(/{_PART}){{0,5}}$")]
"""A path inside the brick: relative, no ``..``, nothing hidden."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BrickFile(_Part):
    """A file by the name it has in the brick; ``size`` is its exact length in bytes."""

    name: FileName
    digest: Digest
    size: int = Field(ge=0)
    role: Role


class Evaluation(_Part):
    """A figure on ``n`` items of a suite, beside that of what the brick replaces (``before``)."""

    suite: Line
    metric: Line
    value: float = Field(allow_inf_nan=False)
    before: float | None = Field(default=None, allow_inf_nan=False)
    n: int = Field(ge=1)
    date: dt.date


class Source(_Part):
    """Material that a brick was made of: whose, of when, under which licence."""

    name: Line
    date: dt.date
    licence: Line
    url: str | None = Field(default=None, pattern=r"^https://", max_length=500)


class Lineage(_Part):
    """How a brick came to be: by which operation, out of which bricks, with which method."""

    operation: Operation
    parents: tuple[BrickRef, ...] = ()
    method: Line | None = None
    note: str | None = Field(default=None, max_length=2000)


class BrickManifest(_Part):
    """One version of one brick.

    Attributes:
        version: 1, 2, …: a later version always has the greater number.
        domain, sub_domain: as ``cardiology``, ``heart-failure``; a parent covers its sub-domains.
        parent: the brick that this one specialises, if there is one.
        base: digest of the model that an adapter or emergent brick belongs to.
        rank: of an adapter.
        languages: that its content is in.
        after: the reason why this version is no longer to be used, once it is retired.
    """

    format: Literal["caretier-brick/1"] = "caretier-brick/1"
    id: BrickId
    version: int = Field(ge=1, le=999_999_999)
    kind: BrickKind
    title: Line
    level: Level
    languages: tuple[Literal["en", "es"], ...] = ("en",)
    domain: BrickId
    sub_domain: BrickId | None = None
    parent: BrickRef | None = None
    base: Digest | None = None
    rank: int | None = Field(default=None, ge=1, le=512)
    licence: Line
    created: AwareDatetime
    lineage: Lineage
    sources: tuple[Source, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    files: tuple[BrickFile, ...] = Field(min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        names = [f.name for f in self.files]
        if len(set(names)) != len(names):
            raise ValueError("two files have the same name")
        if self.kind in {"adapter", "emergent"} and self.base is None:
            raise ValueError(f"a brick of kind {self.kind} has to name its base model's digest")
        if self.kind == "adapter" and self.rank is None:
            raise ValueError("an adapter has to say its rank")
        if self.kind == "knowledge" and not self.sources:
            raise ValueError("knowledge has to name its sources with their dates")
        return self

    @property
    def ref(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"

    @property
    def size(self) -> int:
        """Bytes of all files together, equal ones counted once."""
        return sum({f.digest: f.size for f in self.files}.values())

    def canonical(self) -> bytes:
        """The one spelling of this manifest: JSON with sorted keys, without white space, UTF-8."""
        held = self.model_dump(mode="json")
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a manifest.

        Raises:
            BrickError: naming the field and what is wrong with it.
        """
        if len(raw) > MAX_MANIFEST:
            raise BrickError(f"A manifest is longer than {MAX_MANIFEST} bytes.")
        try:
            return cls.model_validate_json(raw)
        except ValidationError as error:
            first: Any = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "manifest"
            shown = "".join(c for c in place if c.isprintable())[:120]
            raise BrickError(f"{shown}: {first['msg'][:300]}.") from None


def split_ref(ref: str) -> tuple[str, int]:
    """``id@version`` as its two parts.

    Raises:
        BrickError: it is not one.
    """
    match = _REF.fullmatch(ref)
    if match is None:
        raise BrickError(f"{ref!r} is no brick and version, like cardiology@3.")
    return match[1], int(match[2])
