"""Numbers that health care gives out: records, accounts, plans, prescriptions, claims."""

from __future__ import annotations

import regex

from compliance.deidentify.recognizers.base import Rule, RuleRecognizer
from compliance.deidentify.recognizers.lexis import CODE, COLON, DIGITS_SPACED

_VALUE = rf"(?P<v>{DIGITS_SPACED}|{CODE})"


class MedicalRecordRecognizer(RuleRecognizer):
    """Medical record, chart, encounter, specimen numbers; NHC and episode numbers."""

    ENTITY = "MEDICAL_RECORD_NUMBER"
    RULES = (
        Rule(
            "mrn",
            (
                rf"(?<!\p{{L}})(?:m\.?r\.?n\.?|med(?:ical)?\.?\s*rec(?:ord)?s?|mr\s*\#|chart|"
                rf"unit\s+record|patient\s*(?:id|identifier|no|number|\#)|emr|ehr\s*id|epic\s*id|"
                rf"hospital\s+(?:no|number|id))\b\.?{COLON}{_VALUE}"
            ),
        ),
        Rule(
            "visit",
            (
                rf"(?<!\p{{L}})(?:encounter|visit|admission|accession|specimen|case|sample|order|"
                rf"study|requisition)\s*(?:id|no\.?|number|num|\#)\.?{COLON}{_VALUE}"
            ),
        ),
        Rule(
            "historia",
            (
                rf"(?<!\p{{L}})(?:n\.?h\.?c\.?|h\.?c\.?|historia(?:\s+cl[ií]nica)?|"
                rf"n[º°o]\.?\s*(?:de\s+)?historia|episodio|n[uú]mero\s+de\s+(?:historia|episodio|"
                rf"paciente)|cipa?|tarjeta\s+sanitaria){COLON}{_VALUE}"
            ),
        ),
    )


class AccountRecognizer(RuleRecognizer):
    """Accounts: billing, bank, customer."""

    ENTITY = "ACCOUNT_NUMBER"
    RULES = (
        Rule(
            "account",
            (
                rf"(?<!\p{{L}})(?:acct|account|a/c|billing|invoice|statement|customer|guarantor|"
                rf"routing|cuenta|factura|cliente)(?:\s*(?:id|no|number|num|n[uú]mero|n[º°]|\#))"
                rf"?\.?{COLON}{_VALUE}"
            ),
        ),
    )


_DECIMAL = regex.compile(r"\d{1,2}(?:-\d{1,3})?\.\d+|(?i:il)-?\d+")
"""An amount ("group 2-67.8 %") or a messenger (IL-10) after "group" is no number of a plan."""


class HealthPlanRecognizer(RuleRecognizer):
    """Health-plan beneficiaries, Medicaid, Medicare, claims, authorisations, prescriptions."""

    ENTITY = "HEALTH_PLAN_NUMBER"
    RULES = (
        Rule(
            "plan",
            (
                rf"(?<!\p{{L}})(?:member(?:ship)?|subscriber|policy|group|plan|beneficiary|insurance|"
                rf"payer|medicaid|medicare|mbi|hicn?|rx\s*bin|rx\s*grp|rx\s*pcn|health\s*plan|"
                rf"blue\s+cross(?:\s+blue\s+shield)?|bcbs|aetna|cigna|humana|kaiser|tricare|"
                rf"p[oó]liza|mutua|aseguradora?|seguro|afiliaci[oó]n)"
                rf"(?:\s+(?:member|policy|group|plan|card|insurance|subscriber|beneficiary))"
                rf"*\s*(?:id|identifier|no|number|num|n[uú]mero|n[º°]|\#)?\.?{COLON}{_VALUE}"
            ),
        ),
        Rule(
            "claim",
            (
                rf"(?<!\p{{L}})(?:claim|prior\s+auth(?:orization)?|authorization|auth|"
                rf"pre-?cert(?:ification)?|referral|prescription|rx|script|autorizaci[oó]n|receta|"
                rf"volante)\s*(?:id|no|number|num|n[uú]mero|n[º°]|\#)\.?{COLON}{_VALUE}"
            ),
        ),
        Rule("rx", r"(?<!\p{L})rx\s*\#?\s*:?\s*(?P<v>\d{6,12})(?!\d)"),
    )

    def accept(self, rule: Rule, match: regex.Match[str]) -> bool:
        """Amounts are no numbers of a plan."""
        return rule.name != "plan" or not _DECIMAL.fullmatch(match["v"])
