"""The words of the report itself, in both languages; notes of points and cards are English."""

from __future__ import annotations

from compliance.transparency.fields import Language

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Compliance report",
        "claim": (
            "Each row says what this software does about one point of a rule, where, and which "
            "tests prove it. It is no legal opinion, and no software alone complies: what the "
            "organisation has to do is marked as its duty, and what is lacking as not covered."
        ),
        "results_of": "results of the tests of {}",
        "no_results": "no results of tests were given",
        "unchecked": "The tests are not part of this installation; their names were not checked.",
        "findings": "What keeps this report from being true",
        "point": "Point",
        "state": "State, last result",
        "where": "Where it is enforced",
        "tests": "Tests that prove it",
        "covered": "covered",
        "partly": "partly covered",
        "not-covered": "not covered",
        "duty": "duty of the organisation",
        "passed": "passed",
        "failed": "failed",
        "skipped": "skipped",
        "not run": "not run",
        "cards": "Model cards",
        "page": "Page {}",
    },
    "es": {
        "title": "Informe de cumplimiento",
        "claim": (
            "Cada fila dice qué hace este programa respecto a un punto de una norma, dónde, y "
            "qué pruebas lo demuestran. No es un dictamen jurídico y ningún programa cumple por "
            "sí solo: lo que debe hacer la organización figura como su deber, y lo que falta, "
            "como no cubierto."
        ),
        "results_of": "resultados de las pruebas de {}",
        "no_results": "no se dieron resultados de pruebas",
        "unchecked": (
            "Las pruebas no forman parte de esta instalación; sus nombres no se comprobaron."
        ),
        "findings": "Qué impide que este informe sea cierto",
        "point": "Punto",
        "state": "Estado, último resultado",
        "where": "Dónde se aplica",
        "tests": "Pruebas que lo demuestran",
        "covered": "cubierto",
        "partly": "cubierto en parte",
        "not-covered": "no cubierto",
        "duty": "deber de la organización",
        "passed": "superada",
        "failed": "fallida",
        "skipped": "omitida",
        "not run": "no ejecutada",
        "cards": "Fichas de los modelos",
        "page": "Página {}",
    },
}
