"""A suite: items that a model is measured on, each scored from 0 to 1."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from compliance.errors import BadInputError
from compliance.yamltext import read_yaml

Kind = Literal["answer", "choice", "text", "overlap"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
NAME = r"^[a-z0-9][a-z0-9-]{0,47}$"
"""How a suite is called."""
MAX_BYTES = 4 * 1024 * 1024
"""Of a suite's file; a longer one is not read."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Part):
    """A question, and what its answer is held against.

    Attributes:
        ask: the question, put to the model without a system part.
        accept: one of these stands in a right answer (kind *answer*), as whole words.
        avoid: none of these does.
        text: the answer itself: whose likelihood is the score (*text*), that is to be as likely
            as any of ``worse`` (*choice*), or whose words are looked for (*overlap*).
    """

    ask: Text
    accept: tuple[Text, ...] = ()
    avoid: tuple[Text, ...] = ()
    text: Text | None = None
    worse: tuple[Text, ...] = ()


class Suite(_Part):
    """A suite.

    Attributes:
        name: as the update policy names it.
        kind: how its items are scored: *answer* 1 where the greedy answer holds an accepted text
            and none to avoid; *choice* 1 where no worse text is clearly likelier; *text* the mean
            likelihood of the text's tokens; *overlap* the share of the text's words in the answer.
        tokens: of a greedy answer at most.
    """

    name: str = Field(pattern=NAME)
    kind: Kind
    items: tuple[Item, ...] = Field(min_length=1, max_length=10_000)
    tokens: int = Field(default=24, ge=1, le=256)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        needed = {"answer": "accept", "choice": "worse"}.get(self.kind, "text")
        for number, item in enumerate(self.items, 1):
            lacking = not getattr(item, needed) or (self.kind == "choice" and item.text is None)
            if lacking:
                raise ValueError(f"item {number} of kind {self.kind} needs {needed} and its text")
            if not all(re.search(r"\w", text) for text in (*item.accept, *item.avoid)):
                raise ValueError(f"item {number} looks for a text without words")
        asked = [(item.ask, item.text) for item in self.items]
        if len(set(asked)) != len(asked):
            raise ValueError("an item is there twice")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what is asked and how it is scored, as ``sha256:<hex>``."""
        told = self.model_dump_json(exclude={"name"})
        return f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"


class _File(_Part):
    """A suite's file; its name is the suite's. ``knowledge``: items that are taken from there."""

    kind: Kind
    tokens: int = 24
    items: tuple[Item, ...] = ()
    knowledge: int = Field(default=0, ge=0, le=5000)


def read_suite(path: Path) -> Suite:
    """Read a suite of a YAML file.

    Raises:
        BadInputError: naming the file and the field that is wrong.
    """
    from services.learning.evaluate.known import known_items

    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInputError(f"The suite {path.name} is longer than {MAX_BYTES >> 20} MiB.")
        told = _File.model_validate(read_yaml(path.read_bytes()))
        items = (*told.items, *known_items(told.knowledge))
        return Suite(name=path.stem, kind=told.kind, items=items, tokens=told.tokens)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInputError(f"The suite {path.name} cannot be read.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "suite"
        raise BadInputError(f"The suite {path.name}: {place}: {first['msg']}.") from None
