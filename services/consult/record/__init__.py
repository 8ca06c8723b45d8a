"""The person's own record, put into words by rules: for grounding, and for direct answers.

`Record` reads FHIR R4 resources once (`reading`, `results`, `events`, `chart`). A question is
taken apart (`spelling`, `situation`, `intent`, with the word lists of `data/`): whom it is about,
what it names, which kind it is. A dose taken by mistake (`mishap`), and a medicine for a child,
are answered by rule before the record is looked at, even where there is none. If the question is
about the record itself, `Record.answer` says what the record says (`answers`, `medicines`,
`immunizations`, `screening`, `planned`, `meaning`); otherwise `Record.facts_for` gives the facts
that bear on it (`facts`). What stands against a medicine comes first (`safety`, `duplicates`): the
rules are data with a source each (`data/facts`, validated in `tables`), held against a `Case`,
which is the record together with what the question itself states. No model is involved, nothing is
called safe, and what the record lacks is said as lacking.

    from datetime import date
    from services.consult.record import Record
    from services.fhir.sandbox import generate

    mine = [r for r in generate() if r.get("id", "").startswith("p07")]
    record = Record(mine, today=date(2026, 11, 21))
    print(record.answer("Am I allergic to amoxicillin?").text)
"""

from services.consult.record.record import Record, RecordAnswer

__all__ = ["Record", "RecordAnswer"]
