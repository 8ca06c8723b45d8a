"""The cards: one YAML file a model, with what all share beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Limits

from compliance.transparency.errors import CardError
from compliance.yamltext import read_yaml

FOLDER = Path(__file__).parent / "cards"
COMMON = "_common.yaml"


class Unknown(BaseModel):
    """Something that is not known, said out loud."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    unknown: str = Limits(min_length=10)


class Card(BaseModel):
    """What is said about one model.

    Attributes:
        id: name of the card.
        name: the model's name.
        artifacts: its files: a path below the project's root, or ``package:NAME/PATH``.
        answers: text or `Unknown` by the key of the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Limits(pattern=r"^[a-z][a-z-]+$")
    name: str = Limits(min_length=1)
    artifacts: tuple[str, ...] = Limits(min_length=1)
    answers: dict[str, str | Unknown]


def load_cards(folder: Path = FOLDER) -> tuple[Card, ...]:
    """Read all cards, in the order of their names.

    Raises:
        CardError: a file is no card; a missing field is not looked for here.
    """
    common = _read(folder / COMMON)
    return tuple(
        _card(path, common) for path in sorted(folder.glob("*.yaml")) if path.name != COMMON
    )


def _card(path: Path, common: dict[str, Any]) -> Card:
    raw = _read(path)
    answers = {**common, **(raw.get("answers") or {})}
    try:
        return Card.model_validate({**raw, "answers": answers})
    except ValidationError as error:
        places = {".".join(map(str, fault["loc"][:2])) for fault in error.errors()}
        raise CardError([f"{path.name}: {place} is wrong" for place in sorted(places)]) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raw = None
    if not isinstance(raw, dict):
        raise CardError([f"{path.name} cannot be read"])
    return raw
