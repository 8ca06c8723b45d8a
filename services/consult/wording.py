"""The few sentences that the path itself says, in each language."""

from __future__ import annotations

from services.consult.messages import Level
from services.consult.turns import Turn

_UNANSWERED = {
    "en": {
        "needs-clinician": "This is a decision about your own care, and a clinician should make it"
        " with you. Do not change a treatment before you have talked to one.",
        "held-above": "My own sources do not cover this topic, but a tier above this one does.",
        "wrong-matter": "My sources know the topic, but they do not answer this question about it.",
        "not-covered": "I do not know: none of my sources answers this question.",
        "low-confidence": "I am not sure enough of what my sources say about this to answer.",
    },
    "es": {
        "needs-clinician": "Esta es una decisión sobre su propio tratamiento y debe tomarla con un"
        " profesional. No cambie un tratamiento antes de hablar con uno.",
        "held-above": "Mis fuentes no tratan este tema, pero las de un nivel superior sí.",
        "wrong-matter": "Mis fuentes conocen el tema, pero no responden a esta pregunta.",
        "not-covered": "No lo sé: ninguna de mis fuentes responde a esta pregunta.",
        "low-confidence": "No estoy lo bastante seguro de lo que dicen mis fuentes para responder.",
    },
}
_LACKS = {
    "en": {
        Turn.ANIMAL: "My sources are about people; they do not say what holds for this animal.",
        Turn.PERSON: "My sources speak of this in children; they do not say what holds for adults.",
        Turn.PART: "My sources know something like this, but not at this part of the body.",
        Turn.NAME: "My sources know something with a name like this, but not this itself.",
        Turn.COMPARISON: "My sources know the topic, but they do not compare these.",
        Turn.DIRECTION: "My sources know the topic, but not how to change it this way.",
        Turn.QUANTITY: "My sources know the topic, but they do not say how much or how long.",
        Turn.EVENT: "My sources know the topic, but they do not say when, before or after that.",
    },
    "es": {
        Turn.ANIMAL: "Mis fuentes tratan de personas; no dicen qué vale para este animal.",
        Turn.PERSON: "Mis fuentes hablan de esto en niños; no dicen qué vale para adultos.",
        Turn.PART: "Mis fuentes conocen algo parecido, pero no en esta parte del cuerpo.",
        Turn.NAME: "Mis fuentes conocen algo con un nombre parecido, pero no esto.",
        Turn.COMPARISON: "Mis fuentes conocen el tema, pero no comparan estas cosas.",
        Turn.DIRECTION: "Mis fuentes conocen el tema, pero no cómo cambiarlo en este sentido.",
        Turn.QUANTITY: "Mis fuentes conocen el tema, pero no dicen cuánto ni por cuánto tiempo.",
        Turn.EVENT: "Mis fuentes conocen el tema, pero no dicen cuándo, antes o después de eso.",
    },
}
_OFFER = {
    "en": {
        Level.CLINIC: "I can ask your clinic.",
        Level.HOSPITAL: "I can ask a clinician at the hospital.",
    },
    "es": {
        Level.CLINIC: "Puedo preguntar a su clínica.",
        Level.HOSPITAL: "Puedo preguntar a un profesional del hospital.",
    },
}


def unanswered(reason: str, level: Level, language: str, lacks: Turn | None = None) -> str:
    """Why there is no answer; at the top of the hierarchy a clinician is the way on.

    ``lacks`` is what the question turns on and the sources do not speak of.
    """
    if lacks is not None:
        return _LACKS[language][lacks]
    told = _UNANSWERED[language][reason]
    return told if level is not Level.HOSPITAL or reason != "held-above" else told.split(",")[0]


def offer(destination: Level, language: str) -> str:
    """The offer to refer."""
    return _OFFER[language][destination]


def sources_in_english(language: str) -> str | None:
    """The note that goes before English sources in another language, or None."""
    return "Mis fuentes están en inglés; las cito tal como están." if language == "es" else None
