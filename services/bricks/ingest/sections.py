"""Which typed section a heading, a question or a field of a label belongs to.

The names are those of the packs that ship: a passage answers only questions of its section's kind,
so a heading that is not understood goes to ``more``, which answers none of them by itself.
"""

from __future__ import annotations

import re

from services.bricks.words import fold

MORE = "more"
"""The section of what is in no other."""
SECTIONS = frozenset(
    """what symptoms causes tests treatment self-care prevention complications pregnancy children
    risk contagious diet outlook when-to-seek-care uses side-effects serious-side-effects
    how-to-take interactions stopping missed-dose who-should-not kidney overdose dose alcohol
    storage results why preparation high low normal procedure risks how tips what-to-do do-not
    benefits who when schedule older-adults more""".split()
)
"""The sections of a topic that an answer can be taken from."""
_TYPES = {
    "information": "what",
    "susceptibility": "risk",
    "exams and tests": "tests",
    "considerations": "self-care",
    "inheritance": "risk",
    "genetic changes": "causes",
    "research": MORE,
    "stages": MORE,
    "frequency": MORE,
    "support groups": MORE,
}
"""Question types that data sets use, where the word alone would mislead."""

# The first pattern that matches decides. Over folded text, English and Spanish.
_PATTERNS = tuple(
    (name, re.compile("|".join(patterns)))
    for name, *patterns in (
        (MORE, r"\bresearch\b|\bclinical trials?\b|\bstages?\b|\bhow (many|common)\b|\bstatistic"),
        (
            "when-to-seek-care",
            r"\bwhen (to|should|do) .{0,20}\b(see|call|seek|get|contact|go)\b|\bemergenc",
            r"\bseek (medical|help|care)|\b(call|see) (a|your|the) doctor|\bcuando (acudir|llamar)",
        ),
        ("overdose", r"\boverdos|\bsobredosis"),
        ("missed-dose", r"\b(miss(ed)?|forg[eo]t\w*|skip\w*)\b.{0,20}\bdose|\bdosis olvidada"),
        (
            "who-should-not",
            r"\bcontraindicat|\bwho (should|must) not|\b(should|must|do) not (take|use|be)\b",
            r"\bdo not take\b|\bquien no debe",
        ),
        (
            "serious-side-effects",
            r"\bserious (side|adverse)|\b(boxed )?warnings?\b|\bprecautions?\b|\badvertencias?\b",
        ),
        ("side-effects", r"\bside[ -]?effects?\b|\badverse\b|\befectos (secundarios|adversos)"),
        ("alcohol", r"\balcohol\b"),
        ("interactions", r"\binteract|\binteraccion"),
        ("pregnancy", r"\bpregnan|\bbreast[ -]?feed|\blactation|\bnursing m|\bembaraz|\blactancia"),
        ("kidney", r"\b(renal|kidney) (impairment|function|dos)"),
        ("storage", r"\bstor(e|age|ing)\b|\bhow supplied|\bdispos(e|al)\b|\balmacen"),
        ("stopping", r"\bstopping\b|\bdiscontinu|\bwithdrawal\b"),
        ("dose", r"\bdos(e|es|age|ing)\b|\bdosis\b"),
        (
            "how-to-take",
            r"\bhow (to|should|do) .{0,20}\b(take|use|taken|used|given)\b|\bdirections\b",
            r"\badministration\b|\bcomo (tomar|usar)",
        ),
        (
            "uses",
            r"^uses?\b|\bindications?\b|\bused (for|to)\b|\bprescribed\b|\bpara que (sirve|se usa)",
        ),
        ("do-not", r"\b(do not|don't|what not to|never|avoid doing)\b|\bque no hacer"),
        ("prevention", r"\bprevent|\bprotect|\bprevencion|\bprevenir"),
        ("symptoms", r"\bsymptoms?\b|\bsigns?\b|\bsintomas?\b|\bsenales\b"),
        ("complications", r"\bcomplicat|\bcomplicacion"),
        ("outlook", r"\boutlook\b|\bprognosis\b|\blife expectancy\b|\bhow long\b|\bpronostico"),
        ("contagious", r"\bcontagi|\bspread|\btransmi(t|ssion)"),
        ("risk", r"\brisk factors?\b|\bat risk\b|\bwho gets\b|\bmore likely\b|\binherited\b"),
        ("causes", r"\bcaus[ea]|\btriggers?\b|\bwhy does\b|\borigin\b"),
        ("preparation", r"\bprepar"),
        (
            "procedure",
            r"\bprocedure\b|\bwhat happens during\b|\bhow is .{0,30}\b(done|performed)\b",
        ),
        ("results", r"\bresults?\b|\bresultados?\b"),
        ("tests", r"\bdiagnos|\btest(s|ed|ing)?\b|\bexams?\b|\bscreen|\bdetect|\bpruebas?\b"),
        ("diet", r"\bdiet|\bnutrition|\beat(ing)?\b|\bfoods?\b|\balimenta"),
        (
            "self-care",
            r"\bself[ -]?care\b|\bliving with\b|\bcoping\b|\bcope\b|\bat home\b|\blifestyle\b",
            r"\bmanag|\bwhat (can|should) (i|you) do\b|\bautocuidado",
        ),
        ("what-to-do", r"\bwhat to do\b|\bfirst aid\b|\bque hacer\b|\bprimeros auxilios"),
        ("treatment", r"\btreat|\btherap|\bmedic(ine|ation)s?\b|\bsurger|\bcures?\b|\btratamiento"),
        ("children", r"\bchild|\bpediatric|\binfants?\b|\bbab(y|ies)\b|\bninos?\b"),
        ("benefits", r"\bbenefits?\b|\bbeneficios?\b"),
        ("risks", r"\brisks?\b|\briesgos?\b"),
        ("tips", r"\btips\b|\badvice\b|\bconsejos?\b"),
        ("high", r"\b(high|elevated) (level|result|value)"),
        ("low", r"\b(low|decreased) (level|result|value)"),
        ("normal", r"\bnormal\b"),
        ("who", r"\bwho (should|needs?|can)\b"),
        ("when", r"\bhow often\b|\bschedule\b|^when\b"),
        ("why", r"^why\b|^por que\b"),
        (
            "what",
            r"\bwhat('s| is| are)\b|\boverview\b|\bdefinition\b|^about\b|\bdescription\b",
            r"\bsummary\b",
            r"\bintroduction\b|\bkey (facts|points)\b|\bgeneral information\b|\bque (es|son)\b",
        ),
        ("how", r"^how\b|^como\b"),
    )
)
_LEFT_OUT = re.compile(
    r"^(references?|bibliography|see also|external links?|related\b.*|further reading|sources?|"
    r"on this page|contents|table of contents|navigation|share( this)?.*|credits?|footnotes?|"
    r"acknowledge?ments?|contact us|copyright.*|disclaimer|more information|learn more|notes)$"
)


def section_of(*headings: str) -> str | None:
    """The section for headings from the outermost to the innermost, or for a type of question.

    The innermost that is understood decides. None: what stands there is no knowledge (references,
    links) and is left out.
    """
    plain = [" ".join(fold(h).split()).strip(" :?!.#*") for h in headings]
    if any(_LEFT_OUT.match(h) for h in plain):
        return None
    for heading in reversed(plain):
        found = _match(heading)
        if found is not None:
            return found
    return MORE


def _match(heading: str) -> str | None:
    if heading in _TYPES:
        return _TYPES[heading]
    named = heading.replace(" ", "-")
    if named in SECTIONS:
        return named
    return next((name for name, pattern in _PATTERNS if pattern.search(heading)), None)
