"""The few sentences that the path itself says, in each language."""

from __future__ import annotations

from services.consult.messages import Level

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


def unanswered(reason: str, level: Level, language: str) -> str:
    """Why there is no answer; at the top of the hierarchy a clinician is the way on."""
    told = _UNANSWERED[language][reason]
    return told if level is not Level.HOSPITAL or reason != "held-above" else told.split(",")[0]


def offer(destination: Level, language: str) -> str:
    """The offer to refer."""
    return _OFFER[language][destination]


def sources_in_english(language: str) -> str | None:
    """The note that goes before English sources in another language, or None."""
    return "Mis fuentes están en inglés; las cito tal como están." if language == "es" else None
