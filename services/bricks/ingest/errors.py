"""What can be wrong with material; a bad item is reported and the run goes on."""

from __future__ import annotations

from services.bricks.errors import BrickError


class ItemError(Exception):
    """One item cannot be used; its text is the reason, for a report."""


class ManifestError(BrickError):
    """It is not said whose the material is, of when, or under which licence; nothing was read."""

    kind = "pack-manifest"
    remedy = "Say it in pack.yaml (--manifest) or by option; see `caretier bricks ingest --help`."
