"""What can go wrong when a signed reply is filed."""

from __future__ import annotations

from compliance.errors import BadInputError, NotFoundError


class NoOneToFileForError(BadInputError):
    """No person of this number whom you treat; nothing was filed."""

    kind = "nobody-to-file-for"
    remedy = "Check the number. You can file for people whom you treat, not under emergency access."


class PreviewChangedError(BadInputError):
    """What would be filed is not what you were shown; nothing was signed or filed."""

    kind = "preview-changed"
    status = 409
    remedy = "Look at the preview again, then sign."


class NotFiledError(NotFoundError):
    """The record holds no reply to this referral that could be withdrawn."""

    kind = "not-filed"
    remedy = "It was not filed, or it was withdrawn before."
