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
    r"|\bwhat('s| is) wrong with me\b|\bdiagnose me\b|\btengo yo\b"
)
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
    asks += [_OWN_MEDICINE] if medicine else []
    asks += [] if named else [_WHAT_IT_IS]
    return any(pattern.search(plain) for pattern in asks)
