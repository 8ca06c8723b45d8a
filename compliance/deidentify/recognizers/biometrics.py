"""Biometric templates and photographs by their identifiers and file names."""

from __future__ import annotations

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CODE, COLON


class BiometricRecognizer(RuleRecognizer):
    """Finger and voice prints, retinal scans, face templates, full-face images."""

    ENTITY = "BIOMETRIC_ID"
    RULES = (
        Rule(
            "biometric",
            (
                rf"(?<!\p{{L}})(?:finger\s?print|voice\s?print|retina(?:l)?(?:\s+scan)?|"
                rf"iris(?:\s+scan)?|face\s?(?:print|id|template|scan)|palm\s?print|biometric|"
                rf"facial\s+recognition|huella(?:\s+(?:dactilar|digital))?|biom[eé]tric[oa])"
                rf"(?:\s+(?:id|template|hash|scan|record|code|token|no|number|\#))"
                rf"*\.?{COLON}(?P<v>{CODE})"
            ),
        ),
        Rule(
            "photo",
            (
                rf"(?<!\p{{L}})(?:photo(?:graph)?|image|picture|headshot|selfie|foto(?:graf[ií]a)?|"
                rf"imagen)\s*(?:id|no|number|num|file|\#|n[º°])\.?{COLON}(?P<v>{CODE}|\d{{3,}})"
            ),
        ),
        Rule(
            "file",
            (
                r"(?<![\p{L}\d])[\p{L}\d][\p{L}\d_.-]{2,60}\.(?:jpe?g|png|heic|gif|tiff?|bmp|dcm|"
                r"webp|mp4|mov|wav|m4a)(?![\p{L}\d])"
            ),
        ),
    )
