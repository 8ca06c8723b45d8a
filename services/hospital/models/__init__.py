"""Tables of the hospital; every module of this package is imported here, for the migrations."""

from services.hospital.models.cds import CdsCard, CdsEhr, CdsFeedback, CdsToken
from services.hospital.models.core import (
    ApiKey,
    Base,
    ErasureReceipt,
    GlassBreak,
    Job,
    KnownBrowser,
    LegalHold,
    PendingSignIn,
    PortalSession,
    Referral,
    SecondFactor,
    User,
)
from services.hospital.models.ehr import EhrAwaited, EhrConnection, EhrResource, EhrWatermark
from services.hospital.models.notices import Notice, NoticeOff
from services.hospital.models.replies import Phrase, PhraseVersion, ReferralOpinions, ReplyVersion
from services.hospital.models.smart import (
    SmartAssertion,
    SmartClient,
    SmartCode,
    SmartGrant,
    SmartLaunch,
    SmartRequest,
    SmartToken,
)
from services.hospital.models.visits import IntakeAlert
from services.hospital.models.worklist import ReferralStep

__all__ = [
    "ApiKey",
    "Base",
    "CdsCard",
    "CdsEhr",
    "CdsFeedback",
    "CdsToken",
    "EhrAwaited",
    "EhrConnection",
    "EhrResource",
    "EhrWatermark",
    "ErasureReceipt",
    "GlassBreak",
    "IntakeAlert",
    "Job",
    "KnownBrowser",
    "LegalHold",
    "Notice",
    "NoticeOff",
    "PendingSignIn",
    "Phrase",
    "PhraseVersion",
    "PortalSession",
    "Referral",
    "ReferralOpinions",
    "ReferralStep",
    "ReplyVersion",
    "SecondFactor",
    "SmartAssertion",
    "SmartClient",
    "SmartCode",
    "SmartGrant",
    "SmartLaunch",
    "SmartRequest",
    "SmartToken",
    "User",
]
