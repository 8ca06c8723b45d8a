"""Devices: unique device identifiers and serial numbers."""

from __future__ import annotations

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CODE, COLON, DIGITS_SPACED


class DeviceRecognizer(RuleRecognizer):
    """UDI (21 CFR 830; GS1, HIBCC, ICCBBA carriers) and serial, lot, model numbers by cue."""

    ENTITY = "DEVICE_ID"
    RULES = (
        Rule("gs1", r"\(01\)\s?\d{14}(?:\s?\((?:10|11|17|21|240)\)\s?[\p{L}\d/.-]{1,20})*"),
        Rule(
            "gs1-plain",
            r"(?<![\p{L}\d])01\d{14}(?:(?:11|17)\d{6})?(?:(?:10|21)[\p{L}\d-]{1,20})?(?![\p{L}\d])",
        ),
        Rule(
            "hibc",
            r"(?<![\p{L}\d])\+[A-Z]\d{3}[A-Z\d]{1,18}\d[A-Z\d]?(?:/\$?\$?\+?[A-Z\d/]{2,30})?",
        ),
        Rule("isbt", r"(?<![\p{L}\d])=/[A-Z]\d{4}[A-Z\d]{10,}(?:=[\p{L}\d;,]+)*"),
        Rule(
            "serial",
            rf"(?<!\p{{L}})(?:serial|s/n|sn|udi(?:-di|-pi)?|device\s+(?:id|identifier|no|number)|"
            rf"implant\s+(?:id|no|number|serial)|imei|n[º°uú]m?(?:ero)?\.?\s*de\s+serie|lot(?:e)"
            rf"?)"
            rf"(?:\s*(?:no|number|num|\#))?\.?{COLON}(?P<v>{CODE}|{DIGITS_SPACED})",
        ),
    )
