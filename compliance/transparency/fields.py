"""What a card has to say, read from `fields.yaml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limits

from compliance.yamltext import read_yaml

Language = Literal["en", "es"]
HTI_ATTRIBUTES = 31
"""Source attributes of a predictive decision support intervention."""
HTI_RULE = "45 CFR 170.315(b)(11)(iv)(B)"


class Title(BaseModel):
    """A heading in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    en: str
    es: str


class Field(BaseModel):
    """One thing that a card says.

    Attributes:
        key: its name in a card's file.
        hti: paragraph below `HTI_RULE`, or None where the rule does not ask.
        chai: heading of an applied model card.
        unknown: whether a card may say that this is not known.
        title: how it is shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: str = Limits(pattern=r"^[a-z_]+$")
    hti: str | None = Limits(default=None, pattern=r"^\([1-9]\)\([ivx]+\)$")
    chai: str
    unknown: bool = False
    title: Title


class Section(BaseModel):
    """Fields under one heading."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    section: str
    title: Title
    fields: tuple[Field, ...] = Limits(min_length=1)


@cache
def sections() -> tuple[Section, ...]:
    """Everything that a card has to say, in order."""
    raw = read_yaml(files(__package__).joinpath("fields.yaml").read_text(encoding="utf-8"))
    return tuple(Section.model_validate(item) for item in raw)


@cache
def fields() -> dict[str, Field]:
    """The fields by key."""
    return {field.key: field for section in sections() for field in section.fields}
