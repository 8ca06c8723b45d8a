"""The reviewed list of sources: whose, under which licence, from where, how often, for what."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from compliance.errors import BadInputError, NotFoundError
from compliance.yamltext import read_yaml
from services.bricks.ingest.manifest import Manifest
from services.bricks.manifest import BrickId
from services.bricks.topic import Kind, Level

SOURCES = Path(__file__).with_name("sources.yaml")
MAX_NAMES = 1000
Format = Literal["openfda", "medlineplus", "feed"]
Text = Annotated[str, StringConstraints(min_length=2, max_length=500, strip_whitespace=True)]
SourceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Part):
    """What a change must keep to.

    Attributes:
        lost: greatest share of its passages that a source may lose at once.
        grown: by how many times it may grow at once.
        bad: greatest share of its items that cannot be read.
        quarantined: most topics that may hold text addressed to programs; they are left out.
        worse_by: by how much the share of questions found may fall.
        review_days: how long somebody's look at a licence counts.
        keep: snapshots of each source whose files stay on the disk.
    """

    lost: float = Field(gt=0, le=1)
    grown: float = Field(gt=1)
    bad: float = Field(ge=0, le=1)
    quarantined: int = Field(ge=0)
    worse_by: float = Field(ge=0, le=1)
    review_days: int = Field(ge=1)
    keep: int = Field(ge=2)


class Licence(_Part):
    """Under which terms it may be used, and who looked at them last.

    Attributes:
        says: what the material itself has to say of its licence; empty where it says nothing.
        redistribution: whether it may be given on to other nodes, changed in form.
        reviewed: the day on which a person here read the terms; None: nobody did, and nothing of
            it may be released.
    """

    name: Text
    terms: str = Field(pattern=r"^https://", max_length=500)
    says: tuple[Text, ...] = ()
    redistribution: bool
    reviewed: dt.date | None = None


class Listed(_Part):
    """One source.

    Attributes:
        address: with ``{name}`` (each of `names` in turn) or ``{date}`` (today, or the latest of
            `days_back` days that is there).
        becomes: ``knowledge``, or a ``notice`` that people read and nothing answers from.
        robots: ``obey`` its robots.txt, or ``reviewed``: an interface for programs whose terms
            somebody read.
        pause: seconds between two requests; seconds: longest exchange; megabytes: longest body.
    """

    id: SourceId
    title: Text
    publisher: Text
    licence: Licence
    attribution: Text
    becomes: Literal["knowledge", "notice"]
    format: Format
    address: str = Field(pattern=r"^https?://", max_length=1000)
    names: tuple[Text, ...] = Field(default=(), max_length=MAX_NAMES)
    days_back: int = Field(default=7, ge=1, le=31)
    every_hours: float = Field(ge=1, le=24 * 90)
    robots: Literal["obey", "reviewed"] = "obey"
    pause: float = Field(default=1.0, ge=0, le=600)
    seconds: float = Field(default=60.0, gt=0, le=600)
    megabytes: int = Field(default=64, ge=1, le=512)
    language: Literal["en", "es"] = "en"
    level: Level = "clinic"
    domain: BrickId = "general"
    kind: Kind | None = None

    @field_validator("address")
    @classmethod
    def _fields_known(cls, value: str) -> str:
        if {name for _, name, _, _ in Formatter().parse(value) if name is not None} - {
            "name",
            "date",
        }:
            raise ValueError("the address holds another field than {name} or {date}")
        if "{" in value.split("/", 3)[2]:
            raise ValueError("the host of an address is written out")
        return value

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.becomes == "knowledge" and not self.licence.redistribution:
            raise ValueError("knowledge is given on to nodes, which its licence does not allow")
        if ("{name}" in self.address) != bool(self.names):
            raise ValueError("names and {name} in the address go together")
        if "{name}" in self.address and "{date}" in self.address:
            raise ValueError("an address has {name} or {date}, not both")
        if self.becomes == "notice" and self.format != "feed":
            raise ValueError("only feeds become notices")
        return self

    @property
    def dated(self) -> bool:
        """Whether the address changes with the day."""
        return "{date}" in self.address

    def addresses(self, today: dt.date) -> Iterator[tuple[str, str]]:
        """Part and address; of a dated source the days to try, latest first, as one part."""
        if self.dated:
            for back in range(self.days_back):
                day = (today - dt.timedelta(days=back)).isoformat()
                yield "all", self.address.replace("{date}", day)
            return
        for name in self.names:
            yield name, self.address.replace("{name}", quote(name, safe=""))
        if not self.names:
            yield "all", self.address

    def pack(self, dated: dt.date) -> Manifest:
        """What the pack made of a snapshot of that date says of itself."""
        return Manifest(
            id=self.id,
            title=self.title,
            publisher=self.publisher,
            licence=self.licence.name,
            date=dated,
            language=self.language,
            url=self.licence.terms,
            level=self.level,
            kind=self.kind,
        )


class SourceList(_Part):
    """The whole file.

    ``protected`` names a file beside it with questions that have to stay answerable, in the place
    of those that are shipped.
    """

    format: Literal["caretier-sources/1"]
    protected: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    limits: Limits
    sources: tuple[Listed, ...]
    digest: str = ""

    @classmethod
    def load(cls, path: Path = SOURCES) -> Self:
        """Read a list.

        Raises:
            BadInputError: naming the field that is wrong.
        """
        try:
            raw = path.read_bytes()
            held = cls.model_validate(read_yaml(raw))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise BadInputError(f"The list of sources {path.name}: {_first(error)}.") from None
        ids = [one.id for one in held.sources]
        if len(set(ids)) != len(ids):
            raise BadInputError(f"The list of sources {path.name}: two have one id.")
        return held.model_copy(update={"digest": f"sha256:{hashlib.sha256(raw).hexdigest()}"})

    def of(self, source: str) -> Listed:
        """A source.

        Raises:
            NotFoundError: it is not listed.
        """
        found = next((one for one in self.sources if one.id == source), None)
        if found is None:
            raise NotFoundError(
                f"There is no source {source[:48]!r}.",
                remedy="`caretier rounds sources list` lists them.",
            )
        return found


def _first(error: Any) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return "it cannot be read"
