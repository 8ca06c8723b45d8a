"""What a question asks of the record: whose it is, what it names, and which kind it is.

The rules are deliberately narrow. A question that could also be a general one ("what is a normal
A1c?"), a decision about treatment ("should I stop my metformin?") or about somebody else is not
answered from the record; at most its facts go along as material.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.consult.messages import Person
from services.consult.record import words


class Kind(StrEnum):
    """What part of the record a question is about."""

    RESULT = "result"
    CONDITIONS = "conditions"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    IMMUNIZATIONS = "immunizations"
    PROCEDURES = "procedures"
    APPOINTMENTS = "appointments"
    CARE_TEAM = "care-team"
    SAFETY = "medicine-safety"


_CHILD = (
    r"(?:son|daughter|child|kid|baby|infant|toddler|newborn|boy|girl|hijo|hija|bebe|nino|nina)s?"
)
_ADULT = (
    r"(?:husband|wife|spouse|partner|mother|mom|mum|father|dad|parent|grandmother|grandma|grandfather"
    r"|grandpa|brother|sister|friend|boyfriend|girlfriend|aunt|uncle|cousin|neighbor|roommate|dog|cat"
    r"|esposo|esposa|marido|mujer|madre|mama|padre|papa|abuela|abuelo|hermano|hermana|amigo|amiga|novio"
    r"|novia|perro|gato)s?"
)
_MINE = r"(?:my|our|mi|mis|nuestro|nuestra)(?: \w+)?"
ADULT_AGE = 18
"""Age in years from which "my child" is somebody else than the person of the record."""


def _re(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?:{pattern})" for pattern in patterns))


CHILD = _re(rf"\b{_MINE} {_CHILD}\b")
OTHER = _re(rf"\b{_MINE} {_ADULT}\b")
SELF_ACTS = _re(
    r"\b(can|may|should|could|do|if) i (take|use|have|still|safely)\b",
    r"\b(i take|i am taking|im taking|i use|im on|i am on|im pregnant|i am pregnant)\b",
    r"\b(puedo tomar|tomo|estoy tomando|estoy embarazada)\b",
)
OWN = _re(
    r"\b(my|mine|i|im|ive|me|our)\b",
    r"\b(mi|mis|yo|tengo|tomo|soy|estoy|puedo|debo|necesito|uso|peso|mido)\b",
    r"\b(last|latest|most recent|next|ultim[oa]s?|proxim[oa]s?)\b",
    r"\bis it (ok|okay|safe|fine|alright|bad) to (take|use)\b|\b(es seguro|se puede) tomar\b",
)
COURTESY = _re(r"\b(tell|show|give|remind|let|help|explain to) me\b", r"\b(dime|digame)\b")
TREATMENT = _re(
    r"\b(should|can|could|may|must|do|puedo|debo|deberia|tengo que)\b.*\b(stop|stopping|quit|skip|halve"
    r"|half|double|increase|decrease|lower|raise|change|switch|cut|reduce|adjust|wean|dejar|suspender"
    r"|parar|cambiar|aumentar|bajar|reducir|doblar)\b"
)
SECOND_QUESTION = _re(
    r"\band (why|how (can|do|to|should)|should|can|what (does|should|can|causes))\b",
    r"\by (por que|como (puedo|se)|debo|puedo|que (puedo|debo))\b",
)
SIDE = _re(
    r"\b(side effects?|efectos (secundarios|adversos)|miss(ed)?|forgot|too (much|many)|overdos\w*"
    r"|double|olvid\w+|sobredosis|symptoms? of|interactions? of)\b"
)
GENERAL = _re(
    r"\bwhat (is|are) (a |the |an )?(normal|good|healthy|ideal)\b",
    r"\b(normal range|means?|meaning|goal|target|should my|cause[sd]?|affects?|foods?|eat|diet|treat\w*)\b",
    r"\bhow (can|do|to|should|could) (i|you|we|one)\b(?! (weigh|look|stand))",
    r"\bwhy\b|\bprevent\w*|\bhow is .* (measured|done)\b|\bprepare\b|\bfasting before\b",
    r"\b(que significa|que es|que son|por que|deberia|causas?|comer|dieta|meta|objetivo)\b",
    r"\bcomo (puedo|se|debo)\b|\bvalor(es)? normal(es)?\b",
)
SAFETY = _re(
    r"\b(can|may|could|should|ok|okay|safe|safely|alright|allowed|interact\w*|mix|combine|together)\b",
    r"\bwith my\b|\bdangerous\b|\bpuedo\b|\bpuede\b|\bpodria\b|\bdebo\b|\bsegur[oa]\b|\bmezclar\b",
    r"\binteraccion\w*|\bcombinar\b|\bjuntos?\b",
)
TAKE = _re(
    r"\b(take|taking|use|using|eat|supplements?|pills?|tomar|usar|suplementos?|pastillas?)\b"
)
REMEDY = _re(
    r"\b(take|takes|use|treat\w*|reli\w*|help\w*|remed\w*|medicines?|medications?|good for|get rid)\b",
    r"\bwhat (can|should|do) i do\b|\b(tomar|aliviar|tratar|sirve|bueno para|medicinas?|remedios?)\b",
)
LISTING = _re(r"\b(what|which|list|show|all|any|que|cuales|todas?|todos|alguna|algun)\b")
ALLERGY = _re(r"\b(allerg(ic|y|ies)|alergic[oa]s?|alergias?)\b")
NOT_ALLERGY = _re(
    r"\b(symptoms?|treat\w*|relief|help\w*|test(ed|ing)?|what (can|should|do) i (take|do|use)|why|cause\w*"
    r"|seasonal|acting up|sintomas?|tratar|aliviar|por que|puedo tomar)\b"
)
VACCINE = _re(
    r"\b(shots?|vaccin\w*|immuni[sz]\w*|boosters?|jabs?|tdap|shingrix|gardasil|prevnar)\b",
    r"\b(vacun\w*|inmuniz\w*|refuerzos?|antitetanica)\b|\bdue\b|\bup to date\b",
)
NOT_VACCINE = _re(
    r"\b(side effects?|safe|should|work|works|can i|what is|efectos|segura|puedo|debo|hurt|sore)\b"
)
DONE = _re(r"\b(when|last|latest|had|have i|did i|date|cuando|ultim[oa]s?|me hicieron|tuve|ever)\b")
NOT_DONE = _re(r"\b(should|need|prepare|hurt|what is|safe|how often|debo|necesito|can i)\b")
APPOINTMENT = _re(r"\b(appointments?|citas?|next visit|proxima (visita|consulta))\b")
NOT_APPOINTMENT = _re(
    r"\b(schedule|book|make|cancel|change|reschedule|need|programar|cancelar|cambiar|pedir|prepare"
    r"|how do|como (pido|hago))\b"
)
CARE_TEAM = _re(
    r"\bwho(s| is| are) my (\w+ )?(doctor|doctors|physician|pcp|provider|clinician|care team|pediatrician)\b",
    r"\bmy care team\b|\bquien(es)? (es|son) mis? (\w+ )?(medic[oa]s?|doctor|doctora|pediatra)\b",
)
LIST_MEDICINES = _re(
    r"\bwhat (am i|are we) (taking|on|prescribed)\b|\bwhat do i take\b",
    r"\b(what|which) (\w+ )?(medicines?|medications?|meds|drugs|pills|prescriptions?|tablets)\b.*"
    r"\b(i|son|daughter|child|baby|kid)\b",
    r"\b(my|list) (\w+ )?(medicines?|medications?|meds|prescriptions?)( list)?$|\bmedication list\b",
    r"\bque (medicinas?|medicamentos?|pastillas|remedios)( \w+)? (tomo|toma|estoy|tengo)\b",
    r"\bmis (medicinas|medicamentos|pastillas)$|^que (tomo|estoy tomando)$",
)
NOT_LIST = _re(
    r"\b(should|can|could|for (a|my|the)|para (el|la|un|una|mi)|avoid|evitar|interact\w*)\b"
)
WHY_MEDICINE = _re(
    rf"\bwhy (do|does|am|is|are|was|did) (i|he|she|we|my {_CHILD})\b",
    r"\bpor que (tomo|toma|estoy)\b|\bpara que (tomo|toma)\b|\bwhat (do i take|is my) .* for\b",
)
DOSE = _re(
    r"\b(my|mi|mis) (dose|dosage|dosis)\b|\bwhat( is the)? dose\b|\bque dosis\b|\bdose of .* (do|am) i\b",
    r"\bhow (much|many|often)\b.*\b(do|should|am) i\b|\bhow (do|should) i take my\b",
    r"\bcada cuanto (tomo|debo)\b|\bcuant[oa]s? .*\btomo\b|\bwhen do i take\b|\bcuando tomo\b",
)
ON_MEDICINE = _re(
    rf"\b(am i|is my {_CHILD}|do i|does my {_CHILD}) (still |currently )?"
    r"(taking|on|take|using|use|prescribed)\b|\bestoy tomando\b|^tomo\b",
    r"\bwhen did i start\b|\bhow long have i been (taking|on)\b|\bdesde cuando tomo\b",
)
LIST_CONDITIONS = _re(
    r"\b(what|which) (\w+ )?(conditions?|problems?|diagnos[ei]s|illness(es)?|diseases?) (do|have|does|am)\b",
    r"\bmy (\w+ )?(conditions|diagnoses|problem list|medical history|health problems)\b",
    r"\bque (enfermedades|condiciones|diagnosticos|problemas de salud) (tengo|padezco)\b",
    r"\bmis (enfermedades|diagnosticos|condiciones)\b|\bmi historial medico\b",
)
HAS_CONDITION = _re(
    rf"^(do|does|did) (i|he|she|my {_CHILD}) (still )?(have|has|had)\b",
    rf"^(am|is) (i|he|she|my {_CHILD}) (a )?(diabetic|pregnant|asthmatic|anemic|hypertensive|prediabetic"
    r"|bipolar|depressed|obese)\b",
    r"^have i (ever )?(had|been diagnosed)\b|\bdoes my record (list|show|say)\b",
    r"^tengo\b|^estoy embarazada\b|^soy (diabetic[oa]|asmatic[oa]|hipertens[oa])\b",
)
SINCE_CONDITION = _re(
    r"\bwhen was i (first )?diagnosed\b|\bhow long have i had\b|\bsince when\b",
    r"\bdesde cuando tengo\b|\bcuando me diagnosticaron\b",
)
NOT_CONDITION = _re(
    r"\b(puedo|que|como|can|should|what|how do|why|eat|take|if|could|signs?|symptoms?)\b"
)
LABS = _re(
    r"\b(my|last|latest|recent)( \w+)? (labs?|lab results|blood ?work|blood tests?|test results|results)\b",
    r"\b(mis|ultimos) (\w+ )?(analisis|resultados|examenes)\b",
)


@dataclass(frozen=True)
class Asked:
    """A question, taken apart.

    Attributes:
        text: the question, folded.
        raw: the question as typed.
        own: it is about the person of the record.
        other: it is about somebody else; the record then has nothing to say.
        tests, medicines, classes, conditions, vaccines, procedures: keys named, with the words used.
    """

    text: str
    raw: str
    own: bool
    other: bool
    tests: Mapping[str, str] = field(default_factory=dict)
    medicines: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    vaccines: Mapping[str, str] = field(default_factory=dict)
    procedures: Mapping[str, str] = field(default_factory=dict)

    @property
    def medicinal(self) -> bool:
        """Whether a medicine or a class of medicines is named."""
        return bool(self.medicines or self.classes)

    def kind(self) -> Kind | None:
        """The part of the record that answers the question by itself, or None."""
        if self.other or not self.own or TREATMENT.search(self.text):
            return None
        if SECOND_QUESTION.search(self.text):
            return None
        return next((kind for kind, fits in _KINDS if fits(self)), None)


def understand(question: str, person: Person) -> Asked:
    """Take a question apart; ``person`` decides whether "my child" is the person of the record."""
    text = words.fold(question)
    bare = COURTESY.sub(" ", text)
    minor = person.age_years is not None and person.age_years < ADULT_AGE
    child = bool(CHILD.search(text))
    unborn = bool(person.pregnant) and bool(re.search(r"\b(baby|bebe)\b", text))
    elsewhere = bool(OTHER.search(text)) or (child and not minor and not unborn)
    tests = words.test_phrases().find(text)
    named = words.medicine_phrases().find(text)
    if not TAKE.search(text):
        said = " ".join(tests.values())
        named = {key: phrase for key, phrase in named.items() if phrase not in said}
    return Asked(
        text=text,
        raw=question,
        own=bool(OWN.search(bare)) or child,
        other=elsewhere and not SELF_ACTS.search(text),
        tests=tests,
        medicines=named,
        classes=words.class_phrases().find(text),
        conditions=words.condition_phrases().find(text),
        vaccines=words.vaccine_phrases().find(text),
        procedures=words.procedure_phrases().find(text),
    )


def _is_allergies(asked: Asked) -> bool:
    return bool(ALLERGY.search(asked.text)) and not NOT_ALLERGY.search(asked.text)


def _is_immunizations(asked: Asked) -> bool:
    if not VACCINE.search(asked.text) or NOT_VACCINE.search(asked.text):
        return False
    return bool(asked.vaccines) or bool(
        LISTING.search(asked.text) and re.search(r"shots?|vac|imm|inm", asked.text)
    )


def _is_appointments(asked: Asked) -> bool:
    return bool(APPOINTMENT.search(asked.text)) and not NOT_APPOINTMENT.search(asked.text)


def _is_care_team(asked: Asked) -> bool:
    return bool(CARE_TEAM.search(asked.text))


def _is_safety(asked: Asked) -> bool:
    return asked.medicinal and bool(SAFETY.search(asked.text)) and not SIDE.search(asked.text)


def _is_medicines(asked: Asked) -> bool:
    if SIDE.search(asked.text):
        return False
    if not asked.medicinal and LIST_MEDICINES.search(asked.text):
        return not NOT_LIST.search(asked.text)
    about = WHY_MEDICINE, DOSE, ON_MEDICINE
    return bool(asked.medicines) and any(rule.search(asked.text) for rule in about)


def _is_procedures(asked: Asked) -> bool:
    if NOT_DONE.search(asked.text):
        return False
    listing = re.search(
        r"\b(procedures?|surger(y|ies)|operations?|cirugias?|operaciones)\b", asked.text
    )
    return bool(DONE.search(asked.text)) and bool(asked.procedures or listing)


def _is_conditions(asked: Asked) -> bool:
    if LIST_CONDITIONS.search(asked.text):
        return True
    if not asked.conditions or NOT_CONDITION.search(asked.text):
        return False
    return bool(HAS_CONDITION.search(asked.text) or SINCE_CONDITION.search(asked.text))


def _is_result(asked: Asked) -> bool:
    if GENERAL.search(asked.text) or SIDE.search(asked.text):
        return False
    return bool(asked.tests) or bool(LABS.search(asked.text))


# The first that fits decides; narrow kinds stand before wide ones.
_KINDS = (
    (Kind.CARE_TEAM, _is_care_team),
    (Kind.APPOINTMENTS, _is_appointments),
    (Kind.ALLERGIES, _is_allergies),
    (Kind.IMMUNIZATIONS, _is_immunizations),
    (Kind.PROCEDURES, _is_procedures),
    (Kind.MEDICINES, _is_medicines),
    (Kind.SAFETY, _is_safety),
    (Kind.CONDITIONS, _is_conditions),
    (Kind.RESULT, _is_result),
)
