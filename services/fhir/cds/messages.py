"""What a CDS client sends: a call of a service, and feedback to its cards.

Fields that are not known are passed over, as the specification allows extensions anywhere. The
contexts are those of the hooks that are offered, each in its version of CDS Hooks 2.0.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from services.fhir.cds.errors import CdsRequestError

FhirId = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Reference = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}$")]
MAX_ORDERS = 50
"""Most orders of one call."""
MAX_FEEDBACK = 200
"""Most entries of one feedback."""


class Given(BaseModel):
    """What comes in."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class FhirAuthorization(BaseModel):
    """A token for the client's FHIR server; it is never written down."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: str = Field(
        min_length=1, max_length=16_384, pattern=r"^[\x21-\x7e]+$", repr=False
    )
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str = Field(max_length=4000)
    subject: str = Field(max_length=400)


class Context(Given):
    """Who is looking at whom."""

    user_id: str = Field(
        pattern=r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}$"
    )
    patient_id: FhirId
    encounter_id: FhirId | None = None


class Drafts(Given):
    """The Bundle of orders that are not signed yet."""

    resource_type: Literal["Bundle"]
    entry: tuple[dict[str, Any], ...] = Field(default=(), max_length=MAX_ORDERS)


class OrderSignContext(Context):
    """All orders that are about to be signed."""

    draft_orders: Drafts


class OrderSelectContext(OrderSignContext):
    """Orders that are being written; ``selections`` are those just chosen."""

    selections: tuple[Reference, ...] = Field(max_length=MAX_ORDERS)


class DischargeContext(Context):
    """The encounter that ends."""

    encounter_id: FhirId


class CdsRequest(Given):
    """A call of a service."""

    hook: str = Field(max_length=64)
    hook_instance: UUID
    fhir_server: str | None = Field(default=None, max_length=2000)
    fhir_authorization: FhirAuthorization | None = None
    context: dict[str, Any]
    prefetch: dict[str, Any] | None = None


class AcceptedSuggestion(Given):
    """A suggestion by its uuid."""

    id: UUID


class Reason(Given):
    """A coded reason; our own list or the client's."""

    code: str = Field(min_length=1, max_length=64, pattern=r"^[^\s\x00]+$")
    system: str | None = Field(default=None, max_length=400)


class OverrideReason(Given):
    """Why a card was set aside; the comment is free text."""

    reason: Reason | None = None
    user_comment: str | None = Field(default=None, max_length=20_000, repr=False)


class Feedback(Given):
    """What a person did with one card."""

    card: UUID
    outcome: Literal["accepted", "overridden"]
    accepted_suggestions: tuple[AcceptedSuggestion, ...] = Field(default=(), max_length=20)
    override_reason: OverrideReason | None = None
    outcome_timestamp: AwareDatetime

    @model_validator(mode="after")
    def _names_what_was_accepted(self) -> Feedback:
        if self.outcome == "accepted" and not self.accepted_suggestions:
            raise ValueError("an accepted card names its suggestions")
        if self.outcome == "overridden" and self.accepted_suggestions:
            raise ValueError("an overridden card has no accepted suggestion")
        return self

    @property
    def at(self) -> datetime:
        """When it was done."""
        return self.outcome_timestamp


class FeedbackRequest(Given):
    """Feedback to one or more cards of a service."""

    feedback: tuple[Feedback, ...] = Field(min_length=1, max_length=MAX_FEEDBACK)


Model = TypeVar("Model", bound=BaseModel)


def parsed(model: type[Model], value: object) -> Model:
    """Read a message.

    Raises:
        CdsRequestError: naming fields and rules, never values: those may be protected.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        places = [
            f"{'.'.join(map(str, e['loc'])) or 'body'} ({e['type']})" for e in error.errors()[:8]
        ]
        raise CdsRequestError(f"Not as it should be: {', '.join(places)}.") from None
