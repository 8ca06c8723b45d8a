"""Whose the material is: publisher, licence and date are required, nothing is guessed.

`pack.yaml` holds the fields of `Manifest`; options of the command come before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from compliance.yamltext import read_yaml
from services.bricks.ingest.errors import ManifestError
from services.bricks.topic import Audience, Kind, Level


class Manifest(BaseModel):
    """What is said of a whole pack.

    Attributes:
        date: of the material, not of the ingestion; a document's own date comes before it.
        url: where the material is published; a document's own address comes before it.
        kind: of topics whose kind cannot be told from the document.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)
    title: str = Field(min_length=2)
    publisher: str = Field(min_length=2)
    licence: str = Field(min_length=2)
    date: dt.date
    language: Literal["en", "es"] = "en"
    url: str | None = Field(default=None, pattern=r"^https://")
    level: Level = "device"
    kind: Kind | None = None
    audience: Audience = "all"

    @field_validator("date")
    @classmethod
    def _has_been(cls, value: dt.date) -> dt.date:
        if value > dt.datetime.now(dt.UTC).date():
            raise ValueError("the date of the material lies in the future")
        return value


def manifest_of(
    options: Mapping[str, Any], file: Path | None = None, default_id: str | None = None
) -> Manifest:
    """The manifest from a file, what is given by option before what the file says.

    Args:
        options: fields; those that are None are left to the file.
        file: a YAML file with fields.
        default_id: used where neither says an id.

    Raises:
        ManifestError: a field is lacking or wrong.
    """
    fields = _read(file) if file else {}
    fields |= {name: value for name, value in options.items() if value is not None}
    if default_id and "id" not in fields:
        fields["id"] = default_id
    if "license" in fields:
        fields.setdefault("licence", fields.pop("license"))
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        said = "; ".join(_say(e["loc"], e["type"], e["msg"]) for e in error.errors())
        raise ManifestError(f"The pack cannot be made: {said}.") from error


def _say(place: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(str(p) for p in place)
    return f"{name} is not said" if kind == "missing" else f"{name}: {message}"


def _read(file: Path) -> dict[str, Any]:
    try:
        held = read_yaml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ManifestError(f"{file.name} cannot be read as YAML.") from error
    if not isinstance(held, dict):
        raise ManifestError(f"{file.name} is not a mapping.")
    return held
