"""De-identified records for one study: the hospital's key of it, and the detector, loaded late."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from compliance.deidentify.pseudonyms import ROOT_BYTES, StudyKey

if TYPE_CHECKING:
    from compliance.deidentify import Deidentifier
    from compliance.deidentify.fhir import FhirDeidentifier


class Studies:
    """Gives the deidentifiers of ``$de-identify``.

    Args:
        name: of the study; empty where there is none.
        key: file with the root key, base64url; that of the environment when None.

    Raises:
        StudyKeyError: there is a study, and its key cannot be used.
    """

    def __init__(self, name: str, key: Path | None) -> None:
        self._key = _key_of(name, key) if name else None
        self._loading = threading.Lock()

    @cached_property
    def _detector(self) -> Deidentifier:
        from compliance.deidentify import Deidentifier

        return Deidentifier.load()

    def study(self) -> FhirDeidentifier | None:
        """The one with the study's key; None where there is no study."""
        return None if self._key is None else self._with(self._key)

    def once(self) -> FhirDeidentifier:
        """One with a key that nobody has after the call."""
        return self._with(StudyKey.from_root(secrets.token_bytes(ROOT_BYTES), "once"))

    def _with(self, key: StudyKey) -> FhirDeidentifier:
        from compliance.deidentify.fhir import FhirDeidentifier

        with self._loading:
            detector = self._detector
        return FhirDeidentifier(detector, key, datetime.now(UTC).date())


def _key_of(name: str, path: Path | None) -> StudyKey:
    """The key from its file, else from the environment."""
    return StudyKey.from_file(path, name) if path else StudyKey.from_environment(name)
