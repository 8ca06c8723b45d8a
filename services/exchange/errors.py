"""What can go wrong between two tiers."""

from __future__ import annotations

from compliance.errors import CaretierError


class LinkDownError(CaretierError):
    """The tier above cannot be reached; the referral waits in the outbox."""

    kind = "link-down"
    status = 503
    exit_code = 30
    remedy = "Nothing is lost: it is sent when the tier above answers again."


class NotAuthenticatedError(CaretierError):
    """The call carries no valid token of an enrolled node."""

    kind = "not-authenticated"
    status = 401
    exit_code = 31
    remedy = "Enrol this node at its parent with a one-time code."


class EnrolmentError(CaretierError):
    """The enrolment code is wrong, used up, expired, or for another node."""

    kind = "enrolment-refused"
    status = 403
    exit_code = 32
    remedy = "Ask for a new one-time code and enrol again."


class ReferralRefusedError(CaretierError):
    """The receiving tier did not take the referral."""

    kind = "referral-refused"
    status = 403
    exit_code = 33
    remedy = "The device must make a new disclosure and send it again."


class ReferralConflictError(CaretierError):
    """Another referral with this id is there already."""

    kind = "referral-conflict"
    status = 409
    exit_code = 34
    remedy = "Use a new id for a new referral."


class TooManyEnrolmentsError(CaretierError):
    """Too many one-time codes were tried from this address in a short time."""

    kind = "too-many-enrolments"
    status = 429
    exit_code = 32
    remedy = "Wait a minute and try again."


class TooManyReferralsError(CaretierError):
    """This node has sent more in a day than is taken from one node."""

    kind = "too-many-referrals"
    status = 429
    exit_code = 30
    remedy = "Nothing is lost: it is sent again later. Call the clinic if it is urgent."
