"""What can be wrong with a brick."""

from __future__ import annotations

from compliance.errors import CaretierError


class BrickError(CaretierError):
    """A brick cannot be used; the message names the file and the rule that it breaks."""

    kind = "brick-invalid"
    status = 422
    exit_code = 20
    remedy = "Mend the file that the message names, or leave the pack out."
