"""Tables of the hospital; every module of this package is imported here, for the migrations."""

from services.hospital.models.core import (
    ApiKey,
    Base,
    ErasureReceipt,
    GlassBreak,
    Job,
    LegalHold,
    PendingSignIn,
    PortalSession,
    Referral,
    SecondFactor,
    User,
)

__all__ = [
    "ApiKey",
    "Base",
    "ErasureReceipt",
    "GlassBreak",
    "Job",
    "LegalHold",
    "PendingSignIn",
    "PortalSession",
    "Referral",
    "SecondFactor",
    "User",
]
