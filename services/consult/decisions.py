"""Decisions that are the clinician's: changing one's own treatment, and judging what one has."""

from __future__ import annotations

import re

from services.bricks.words import fold

_CHANGE = (
    r"\b(should|can|could|may|is it (ok|okay|safe|fine|alright)( for me)?( if i)? to|do i need to) (i )?"
    r"(just )?(stop|quit|skip|halve|half|double|increase|decrease|lower|raise|change|switch|cut|reduce|"
    r"adjust|come off|go off|wean)\b"
)
_CHANGE_ES = r"(dejar|parar|suspender|cambiar|aumentar|subir|bajar|reducir|doblar)\b"
_OWN_TREATMENT = re.compile(
    _CHANGE + r".{0,40}\b(taking|dose|doses|medicines?|medications?|meds?|pills?|tablets?|insulin|"
    r"treatment|prescription)\b"
    r"|\b(want|wanna|thinking of|thinking about|tempted|plan(ning)?|ok(ay)? if i|going) (to )?(stop|quit|"
    r"skip|double|halve|cut|reduc|increas|chang|switch)\w* (down )?(on )?my\b"
    r"|\b(quiero|pienso|puedo|debo|deberia) "
    + _CHANGE_ES
    + r".{0,30}\b(tomar\w*|medic\w+|pastillas?|"
    r"dosis|insulina|tratamiento|inyeccion\w*)\b"
)
_OWN_MEDICINE = re.compile(_CHANGE + r"|\b(quiero|pienso|puedo|debo|deberia) " + _CHANGE_ES)
_OWN_DIAGNOSIS = re.compile(
    r"\bdo i have\b|\bis (this|it|my \w+) (a )?(cancer|serious)\b"
    r"|\bis (my|the|this|it) (\w+ ){0,4}(benign|malignant|cancerous)\b"
    r"|\bis my (\w+ ){0,2}(mri|scan|x-?ray|ecg|ekg|biopsy|ultrasound|report) (normal|okay|ok|fine|bad)\b"
    r"|\blook(ing)? at my (scan|mri|x-?ray|picture|photo|report|results)\b"
    r"|\b(picture|photo|image|scan|report|file)s? (is |are )?attached\b"
    r"|\bwill (i|we|he|she|my \w+) (die|survive|make it|be (born )?(ok|okay|healthy|fine|normal))\b"
    r"|\bwhat('s| is) wrong with me\b|\bdiagnose me\b|\btengo yo\b"
)
_OTHERS = (
    r"(neighbou?rs?|friends?|buddy|cousin|aunt|uncle|cowork\w+|roommate|trainer|coach|chiropractor|"
    r"vet|grandma|grandpa|brother|sister|in law|somebody|someone|people|they|website|forum|blog|"
    r"video|internet|tiktok|youtube|facebook|instagram)"
)
_HEARSAY = re.compile(
    rf"\b{_OTHERS}\b.{{0,30}}\b(says?|said|told|tells|swears?|claims?|recommends?|recommended|"
    r"suggests?|suggested|gave|gives|sold|offered|lent)\b.*\b(how (much|many|long|often)|what dose|"
    r"which dose|do i take|should i take|can i take)\b"
)
"""An amount, where somebody without the say-so told or gave it."""
_WHAT_IT_IS = re.compile(r"\bcould (i|this|it|these) (have|be)\b")


def own_decision(text: str, *, medicine: bool = False, named: bool = False) -> bool:
    """Whether a question asks for a decision about the person's own care.

    Args:
        text: the question.
        medicine: whether it names a medicine; to change that is a decision about treatment.
        named: whether it names what it asks about; what that looks like can then be told.
    """
    plain = fold(text)
    asks = [_OWN_TREATMENT, _OWN_DIAGNOSIS]
    asks += [_OWN_MEDICINE, _HEARSAY] if medicine else []
    asks += [] if named else [_WHAT_IT_IS]
    return any(pattern.search(plain) for pattern in asks)
