"""Tables of the FHIR store; every module of this package is imported here, for the migrations."""

from services.fhir.models.base import Base, ResourceRow
from services.fhir.models.index import ReferenceRow, TokenRow

__all__ = ["Base", "ReferenceRow", "ResourceRow", "TokenRow"]
