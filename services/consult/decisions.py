"""Decisions that are the clinician's: changing one's own treatment, and judging what one has."""

from __future__ import annotations

import re

from services.bricks.words import fold

_CHANGE = (
    r"\b(should|can|could|may|is it (ok|okay|safe|fine|alright)( for me)?( if i)? to|do i need to) (i )?"
    r"(just )?(stop|quit|skip|halve|half|double|increase|decrease|lower|raise|change|switch|cut|reduce|"
    r"adjust|come off|go off|wean)\b"
)
_OWN_TREATMENT = re.compile(
    _CHANGE + r".{0,40}\b(taking|dose|doses|medicines?|medications?|meds?|pills?|tablets?|insulin|"
    r"treatment|prescription)\b"
    r"|\b(want|wanna|thinking of|thinking about|tempted|plan(ning)?|ok(ay)? if i|going) (to )?(stop|quit|"
    r"skip|double|halve|cut|reduc|increas|chang|switch)\w* (down )?(on )?my\b"
    r"|\b(quiero|pienso) (dejar|parar|suspender|cambiar|aumentar|bajar|reducir)\b"
    r"|\b(puedo|debo|deberia) (dejar|parar|suspender|cambiar|aumentar|bajar|reducir|doblar)\b"
)
_OWN_MEDICINE = re.compile(_CHANGE)
_OWN_DIAGNOSIS = re.compile(
    r"\bdo i have\b|\bcould (i|this|it|these) (have|be)\b|\bis (this|it|my \w+) (a )?(cancer|serious)\b"
    r"|\bwhat('s| is) wrong with me\b|\bdiagnose me\b|\btengo yo\b"
)


def own_decision(text: str, *, medicine: bool = False) -> bool:
    """Whether a question asks for a decision about the person's own care.

    Args:
        text: the question.
        medicine: whether it names a medicine; to change that is a decision about treatment.
    """
    plain = fold(text)
    changes = _OWN_MEDICINE if medicine else _OWN_TREATMENT
    return bool(
        changes.search(plain) or _OWN_TREATMENT.search(plain) or _OWN_DIAGNOSIS.search(plain)
    )
