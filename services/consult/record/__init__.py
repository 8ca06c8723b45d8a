"""The person's own record, put into words by rules: for grounding, and for direct answers.

`Record` reads FHIR R4 resources once (`reading`, `results`, `chart`). A question is taken apart
(`intent`, with the word lists of `data/`): what it names, whose record it is, which kind it is.
If it is about the record itself, `Record.answer` says what the record says (`answers`); otherwise
`Record.facts_for` gives the facts that bear on it (`facts`), with medicine safety first (`safety`).
No model is involved, and what the record lacks is said as lacking.

    from datetime import date
    from services.consult.record import Record
    from services.fhir.sandbox import generate

    mine = [r for r in generate() if r.get("id", "").startswith("p07")]
    record = Record(mine, today=date(2026, 11, 21))
    print(record.answer("Am I allergic to amoxicillin?").text)
"""

from services.consult.record.record import Record, RecordAnswer

__all__ = ["Record", "RecordAnswer"]
