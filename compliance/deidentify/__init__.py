"""De-identification: what a patient writes becomes fit to leave the device, or it does not leave.

A text is brought into a plain form (``normalise``) that undoes full-width digits, invisible
characters and look-alike letters, with a map back to the input. Presidio's analyzer runs over it on
blank spaCy pipelines (``engine``) with our recognisers (``recognizers``), the built-in ones chosen
in ``default.yaml``, and, when the patient's FHIR record is given, one that looks for everything in
it that names the patient or people around them (``record``, ``known_index``, ``known_match``;
little words that are also names are judged in ``known_context``).
Spans are masked by placeholders that stay the same through a conversation (``placeholders``), and
the masked text is searched once more (``residual``). Any failure, doubt or delay raises
``DeidentificationError``; unmasked text is never returned.

The map from placeholders to values stays on the device. Answers come back through
``PlaceholderMap.reidentify``, which refuses placeholders that it never gave out.

A name that no cue, list or record announces is found by a token classifier of our own (``names``:
generator, training, runtime, card); without its file, or with another digest, nothing loads.

For studies there are keyed ``pseudonyms``, ``surrogates`` and a ``dateshift``, and ``fhir`` masks
whole resources by tables of paths. ``evaluate`` holds the detector against its targets.

Example:
    >>> from compliance.deidentify import Deidentifier, KnownIdentifiers
    >>> patient = {"resourceType": "Patient", "name": [{"given": ["Ana"], "family": "Lopez"}]}
    >>> masked = Deidentifier.load().deidentify(
    ...     "Ana López, born March 5, takes metformin.",
    ...     known=KnownIdentifiers.from_record([patient]),
    ... )
    >>> masked.text
    '[PATIENT], born [DATE-1], takes metformin.'
    >>> masked.mapping.reidentify("[PATIENT] may go on.")
    'Ana López may go on.'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from compliance.deidentify.entities import Deidentified, Entity
from compliance.deidentify.errors import (
    DeidentificationError,
    KnownIdentifiersError,
    PlaceholderError,
)
from compliance.deidentify.placeholders import PlaceholderMap
from compliance.deidentify.settings import DeidentifySettings

if TYPE_CHECKING:
    from compliance.deidentify.known import KnownIdentifiers
    from compliance.deidentify.service import Deidentifier

__all__ = [
    "DeidentificationError",
    "Deidentified",
    "Deidentifier",
    "DeidentifySettings",
    "Entity",
    "KnownIdentifiers",
    "KnownIdentifiersError",
    "PlaceholderError",
    "PlaceholderMap",
]

_LATE = {"Deidentifier": "service", "KnownIdentifiers": "known"}
"""What stands on Presidio and spaCy, by module: they take a second and 150 MB to import."""


def __getattr__(name: str) -> object:
    """Import what stands on Presidio when it is named first."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
