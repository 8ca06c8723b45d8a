"""The sentences of the record, in English and Spanish, and how dates and lists are written."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_SAID = {
    "result": (
        "{name}: your last result was {value}{when}.",
        "{name}: su último resultado fue {value}{when}.",
    ),
    "preliminary": (" It is marked preliminary.", " Está marcado como preliminar."),
    "critical": (
        " It is marked critical: call your care team today.",
        " Está marcado como crítico: llame hoy a su equipo médico.",
    ),
    "high": (
        " That is above the {span_kind} given with it ({span}).",
        " Está por encima del {span_kind} que lo acompaña ({span}).",
    ),
    "low": (
        " That is below the {span_kind} given with it ({span}).",
        " Está por debajo del {span_kind} que lo acompaña ({span}).",
    ),
    "normal": (
        " That is within the {span_kind} given with it ({span}).",
        " Está dentro del {span_kind} que lo acompaña ({span}).",
    ),
    "high-bare": (" The record marks it as high.", " El historial lo marca como alto."),
    "low-bare": (" The record marks it as low.", " El historial lo marca como bajo."),
    "normal-bare": (" The record marks it as normal.", " El historial lo marca como normal."),
    "no-range": (
        " The record gives no reference range with it.",
        " El historial no da un rango de referencia.",
    ),
    "range": ("reference range", "rango de referencia"),
    "target": ("target range", "rango objetivo"),
    "earlier": (" Earlier: {list}.", " Antes: {list}."),
    "higher": (" It is higher than the one before.", " Es más alto que el anterior."),
    "lower": (" It is lower than the one before.", " Es más bajo que el anterior."),
    "same": (" It is the same as the one before.", " Es igual que el anterior."),
    "ask": (
        " Ask your care team what it means for you.",
        " Pregunte a su equipo médico qué significa para usted.",
    ),
    "no-result": (
        "Your record shows no result for {name}.",
        "Su historial no muestra ningún resultado de {name}.",
    ),
    "no-results": (
        "Your record shows no laboratory results.",
        "Su historial no muestra resultados de laboratorio.",
    ),
    "conditions": (
        "Your record lists these active conditions: {list}.",
        "Su historial registra estas enfermedades activas: {list}.",
    ),
    "findings": (
        "It also lists these findings: {list}.",
        "También registra estos hallazgos: {list}.",
    ),
    "no-conditions": (
        "Your record lists no active condition. That does not prove that you have none.",
        "Su historial no registra ninguna enfermedad activa. Eso no prueba que no tenga ninguna.",
    ),
    "has-condition": ("Your record lists {name}{since}.", "Su historial registra {name}{since}."),
    "had-condition": (
        "Your record lists {name} in the past{since}; it is not marked active.",
        "Su historial registra {name} en el pasado{since}; no figura como activa.",
    ),
    "unconfirmed": (" It is marked as not confirmed.", " Figura como no confirmada."),
    "no-condition": (
        "Your record does not list {name}. That does not rule it out: ask your doctor if you are unsure.",
        "Su historial no registra {name}. Eso no lo descarta: pregunte a su médico si tiene dudas.",
    ),
    "since": (", since {day}", ", desde {day}"),
    "medicines": (
        "Your record lists these active medicines: {list}.",
        "Su historial registra estos medicamentos activos: {list}.",
    ),
    "no-medicines": (
        "Your record lists no active medicine. You may be taking some that it does not show.",
        "Su historial no registra ningún medicamento activo. Puede que tome alguno que no figura.",
    ),
    "medicine": (
        "Your record lists {name} among your active medicines{since}.",
        "Su historial registra {name} entre sus medicamentos activos{since}.",
    ),
    "stopped": (
        "Your record lists {name} as no longer active.",
        "Su historial registra {name} como ya no activo.",
    ),
    "no-medicine": (
        "Your record does not list {name} among your medicines.",
        "Su historial no registra {name} entre sus medicamentos.",
    ),
    "dose": (" How to take it, as prescribed: {dose}.", " Cómo tomarlo, según la receta: {dose}."),
    "no-dose": (" The record does not say how to take it.", " El historial no dice cómo tomarlo."),
    "keep-dose": (
        " Take it as your own label or doctor says.",
        " Tómelo como indique su etiqueta o su médico.",
    ),
    "reason": (" The record gives this reason: {list}.", " El historial da este motivo: {list}."),
    "no-reason": (" The record does not say why.", " El historial no dice por qué."),
    "allergy": (
        "Your record lists {reaction} to {name}.",
        "Su historial registra {reaction} a {name}.",
    ),
    "no-allergy": (
        "Your record lists no allergy to {name}; that does not prove that you have none.",
        "Su historial no registra ninguna alergia a {name}; eso no prueba que no la tenga.",
    ),
    "no-allergies": (
        "Your record lists no allergy; that does not prove that you have none.",
        "Su historial no registra ninguna alergia; eso no prueba que no tenga ninguna.",
    ),
    "none-known": ("Your record says: {name}.", "Su historial dice: {name}."),
    "same-medicine": (
        "Your record lists {reaction} to {allergen}. Do not take {asked} unless a doctor or pharmacist who"
        " knows of this tells you that you can.",
        "Su historial registra {reaction} a {allergen}. No tome {asked} salvo que un médico o farmacéutico que"
        " lo sepa le diga que puede.",
    ),
    "vaccine": (
        "Your last recorded {name} was on {day} ({as_recorded}).",
        "Su última {name} registrada fue el {day} ({as_recorded}).",
    ),
    "vaccine-fact": ("Your record lists this vaccine: {name}.", "Su historial registra esta vacuna: {name}."),
    "vaccine-doses": (" Doses recorded: {list}.", " Dosis registradas: {list}."),
    "no-vaccine": (
        "Your record shows no {name}. It may have been given somewhere that does not report to this record.",
        "Su historial no muestra ninguna {name}. Puede haberse aplicado en un lugar que no informa a este historial.",
    ),
    "due": (
        " Counted from that dose, the next is due from {day}.",
        " Contando desde esa dosis, la siguiente corresponde desde el {day}.",
    ),
    "overdue": (
        " Counted from that dose, the next was due from {day}: ask about it.",
        " Contando desde esa dosis, la siguiente correspondía desde el {day}: pregunte por ella.",
    ),
    "season-done": (
        " A dose is recorded for the season that began on {day}.",
        " Hay una dosis registrada para la temporada que comenzó el {day}.",
    ),
    "season-open": (
        " No dose is recorded for the season that began on {day}.",
        " No hay ninguna dosis registrada para la temporada que comenzó el {day}.",
    ),
    "vaccines": (
        "Your record lists these vaccines: {list}.",
        "Su historial registra estas vacunas: {list}.",
    ),
    "no-vaccines": ("Your record shows no vaccine.", "Su historial no muestra ninguna vacuna."),
    "procedure": ("Your record shows {name}{when}.", "Su historial muestra {name}{when}."),
    "procedures": (
        "Your record lists these procedures: {list}.",
        "Su historial registra estos procedimientos: {list}.",
    ),
    "no-procedure": (
        "Your record does not show this: {name}.",
        "Su historial no muestra esto: {name}.",
    ),
    "no-procedures": (
        "Your record does not show any procedure.",
        "Su historial no muestra ningún procedimiento.",
    ),
    "appointment": (
        "You have an appointment on {day}: {list}.",
        "Tiene una cita el {day}: {list}.",
    ),
    "booked": ("booked", "reservada"),
    "no-appointment": (
        "Your record shows no upcoming appointment.",
        "Su historial no muestra ninguna cita próxima.",
    ),
    "appointment-fact": ("An appointment is booked.", "Hay una cita reservada."),
    "care-team": (
        "Your record names as your care team: {list}.",
        "Su historial nombra como su equipo médico: {list}.",
    ),
    "no-care-team": (
        "Your record does not name a doctor.",
        "Su historial no nombra ningún médico.",
    ),
    "pregnant": (
        "Your record says that you are pregnant.",
        "Su historial dice que está embarazada.",
    ),
    "on": (" on {day}", " el {day}"),
    "a-allergy": ("an allergy", "una alergia"),
    "a-intolerance": ("an intolerance", "una intolerancia"),
    "reaction": (" (reaction: {list})", " (reacción: {list})"),
    "both-listed": (
        " Both are on your medicine list, so do not stop either on your own: ask about it.",
        " Ambos están en su lista de medicamentos, así que no deje ninguno por su cuenta: pregunte.",
    ),
    "source": (" Source: {name}.", " Fuente: {name}."),
    "and": ("and", "y"),
}


def say(key: str, language: str, **values: object) -> str:
    """Return a sentence of the table in ``language`` ("en" or "es"), filled in."""
    return _SAID[key][1 if language == "es" else 0].format(**values)


def day_text(day: str | None, language: str) -> str:
    """Write an ISO date, month or year in words: 2026-10-07 is "October 7, 2026"."""
    if not day or not (parts := re.match(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", day)):
        return ""
    year, month, number = parts.groups()
    if not month:
        return year
    name = _MONTHS[language].split()[int(month) - 1]
    if not number:
        return f"{name} {year}" if language == "en" else f"{name} de {year}"
    return (
        f"{name} {int(number)}, {year}"
        if language == "en"
        else f"{int(number)} de {name} de {year}"
    )


def moment_text(start: str, language: str) -> str:
    """Write an ISO dateTime as date and time of day as recorded; UTC is said, no zone is guessed."""
    time = re.match(r"\d{4}-\d{2}-\d{2}T(\d{2}:\d{2})", start)
    zone = " UTC" if start.endswith("Z") else ""
    day = day_text(start[:10], language)
    join = ", " if language == "es" else " at "
    return f"{day}{join}{time[1]}{zone}" if time else day


def listed(items: Iterable[str], language: str) -> str:
    """Join with commas and a final "and"."""
    found = list(dict.fromkeys(items))
    if len(found) < 2:  # noqa: PLR2004  # one item needs no "and"
        return "".join(found)
    return f"{', '.join(found[:-1])} {say('and', language)} {found[-1]}"


def upper_first(text: str) -> str:
    """Return ``text`` with its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]
