"""Cards: what a service answers (CDS Hooks 2.0, "CDS Service Response").

Lengths and rules of the specification hold when a card is made, so that none goes out without its
identifier, with a summary that is too long, or with suggestions and no word on how to choose.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

SUMMARY_CHARS = 139
"""A summary has less than 140 characters."""
Indicator = Literal["info", "warning", "critical"]
RANK: dict[Indicator, int] = {"critical": 0, "warning": 1, "info": 2}
Web = Annotated[str, Field(pattern=r"^https?://[^\s<>\"`]+$", max_length=2000)]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\n\r<>]+$")]


class Wire(BaseModel):
    """What goes out."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Coding(Wire):
    """A code; ``display`` is what a person reads."""

    code: str = Field(min_length=1, max_length=64)
    system: Annotated[str, Field(pattern=r"^(https?://|urn:)[^\s<>]+$", max_length=400)]
    display: Line


class Source(Wire):
    """Whose guidance a card follows; ``topic`` groups cards."""

    label: Line
    url: Web | None = None
    topic: Coding | None = None


class Action(Wire):
    """A change that the EHR may make."""

    type: Literal["create", "update", "delete"]
    description: Line
    resource: dict[str, Any] | None = None
    resource_id: str | None = Field(default=None, pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}$")

    @model_validator(mode="after")
    def _has_its_object(self) -> Action:
        if (self.resource is None) == (self.type != "delete"):
            raise ValueError("create and update name a resource, delete an id")
        return self


class Suggestion(Wire):
    """Actions that are taken together."""

    label: Line
    uuid: str = Field(default_factory=lambda: str(uuid4()))
    is_recommended: bool | None = None
    actions: tuple[Action, ...] = ()


class Link(Wire):
    """Where to read on."""

    label: Line
    url: Web
    type: Literal["absolute", "smart"]
    app_context: str | None = None

    @model_validator(mode="after")
    def _has_context_only_as_app(self) -> Link:
        if self.app_context is not None and self.type != "smart":
            raise ValueError("only a SMART app gets a context")
        return self


class Card(Wire):
    """One thing to say to the clinician."""

    uuid: str = Field(default_factory=lambda: str(uuid4()))
    summary: str = Field(min_length=1, max_length=SUMMARY_CHARS, pattern=r"^[^\n\r<>]+$")
    detail: str | None = Field(default=None, max_length=20_000)
    indicator: Indicator
    source: Source
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: Literal["at-most-one", "any"] | None = None
    override_reasons: tuple[Coding, ...] = ()
    links: tuple[Link, ...] = ()

    @model_validator(mode="after")
    def _says_how_to_choose(self) -> Card:
        if bool(self.suggestions) != (self.selection_behavior is not None):
            raise ValueError("suggestions and selectionBehavior come together")
        return self

    def to_json(self) -> dict[str, Any]:
        """The card as it is sent: without what is empty."""
        made = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: value for name, value in made.items() if value not in ([], ())}


class Decision(BaseModel):
    """A card and why it is shown, which is not sent.

    ``rule`` names what fired and ``about`` what it fired on; both together are the same when the
    same thing is said again.
    """

    model_config = ConfigDict(frozen=True)

    card: Card
    rule: str = Field(max_length=80)
    about: tuple[str, ...] = ()
    kept: bool = False
    """Whether it is shown however often it was overridden, and however many there are."""

    @property
    def repeats(self) -> tuple[str, ...]:
        """What is the same for the same thing."""
        return self.rule, *sorted(self.about)
