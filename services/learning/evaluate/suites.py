"""Which suites there are: those that come with Caretier, and a hospital's own."""

from __future__ import annotations

import re
from pathlib import Path

from compliance.errors import BadInputError
from services.learning import suites as shipped
from services.learning.evaluate.suite import NAME, Suite, read_suite

SHIPPED = Path(shipped.__file__).parent
SLUG = re.compile(NAME)


class Suites:
    """Suites by name, read anew each time: a person may mend one while a round is blocked.

    Args:
        folder: the hospital's own; a suite there stands in the place of the shipped one of its
            name.

    Raises:
        BadInputError: the folder is not there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise BadInputError(
                f"There is no folder of suites {folder}.",
                remedy="Make it, or unset CARETIER_HOSPITAL_SUITES.",
            )
        self._folders = [*([folder] if folder else []), SHIPPED]

    def get(self, name: str) -> Suite | None:
        """The suite of a name; None where nobody has one.

        Raises:
            BadInputError: its file is not as it has to be.
        """
        if not SLUG.fullmatch(name):
            return None
        for folder in self._folders:
            path = folder / f"{name}.yaml"
            if path.is_file():
                return read_suite(path)
        return None
