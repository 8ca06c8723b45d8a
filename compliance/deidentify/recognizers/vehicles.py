"""Vehicles: identification numbers with their check digit, number plates by cue."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import COLON

_VALUES = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


class VehicleRecognizer(RuleRecognizer):
    """VIN (49 CFR 565.15, ISO 3779) and plates."""

    ENTITY = "VEHICLE_ID"
    RULES = (
        Rule("vin", r"(?<![\p{L}\d])[A-HJ-NPR-Z\d]{17}(?![\p{L}\d])"),
        Rule(
            "vin-cued",
            (
                rf"(?<!\p{{L}})(?:vin|vehicle\s+id(?:entification)?(?:\s+number)?|bastidor)"
                rf"{COLON}(?P<v>[A-HJ-NPR-Z\d][A-HJ-NPR-Z\d -]{{9,19}}\d)"
            ),
        ),
        Rule(
            "plate",
            (
                r"(?<!\p{L})(?:licen[cs]e\s+plates?|number\s*plate|plates?\s*(?:no|number|\#|is)|"
                r"tag\s+number|matr[ií]cula|placas?(?=\s*(?:del\s+coche|:|es)))(?:\s+(?:del\s+coche|"
                r"number|no))?\.?\s*(?:is|es|:|\#)?\s*"
                r"(?P<v>(?=[\p{L}\d -]*\d)[\p{L}\d]{1,4}[ -]?[\p{L}\d]{2,5}(?:[ -]?[\p{Lu}\d]{1,4})?)"  # noqa: E501 - one pattern, better unbroken
                r"(?![\p{L}\d])"
            ),
        ),
        Rule(
            "plate-es",
            r"(?<![\p{L}\d])\d{4}[ -]?[BCDFGHJKLMNPRSTVWXYZ]{3}(?![\p{L}\d])",
            ignore_case=False,
        ),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """The ninth character of a VIN is its check digit."""
        if rule.name != "vin":
            return True
        vin = match[0].upper()
        total = sum(
            (int(c) if c.isdigit() else _VALUES[c]) * w for c, w in zip(vin, _WEIGHTS, strict=True)
        )
        return "0123456789X"[total % 11] == vin[8]
