"""Tables of the FHIR store; every module of this package is imported here, for the migrations."""

from services.fhir.models.base import Base, ClockRow, ResourceRow
from services.fhir.models.bulk import OrderPatientRow, OrderRow
from services.fhir.models.index import (
    INDEXES,
    DateRow,
    NoteRow,
    QuantityRow,
    ReferenceRow,
    StringRow,
    TokenRow,
)
from services.fhir.models.subscriptions import (
    SubscriptionClockRow,
    SubscriptionEventRow,
    SubscriptionRow,
)
from services.fhir.models.versions import VersionOwnerRow, VersionRow

__all__ = [
    "INDEXES",
    "Base",
    "ClockRow",
    "DateRow",
    "NoteRow",
    "OrderPatientRow",
    "OrderRow",
    "QuantityRow",
    "ReferenceRow",
    "ResourceRow",
    "StringRow",
    "SubscriptionClockRow",
    "SubscriptionEventRow",
    "SubscriptionRow",
    "TokenRow",
    "VersionOwnerRow",
    "VersionRow",
]
