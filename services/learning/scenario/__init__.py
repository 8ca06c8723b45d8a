"""A whole learning story, run with real training: `caretier rounds scenario`.

Three clinics and one hostile site. Two clinics know the house rules of clinics that do not exist
(`facts.yaml`), the third never saw them; the hostile one teaches wrong ones. Everything goes
through the parts that a hospital uses: signals, `Learner`, signed contributions, the intake desk,
`Rounds` with a database, the suites, a repository signed with keys made here, channels, cohorts,
the updater, the engine. Made for the scenario are the people, the texts, and the clock of a
simulated fleet (`fleet.py`).

Workflow. `story.py` tells it step by step. The sites learn and send, the hostile one is refused
and comes back within bounds (`learning.py`); the round is judged, approved by a person, published,
rolled out; the third clinic fetches the brick and answers (`releasing.py`). Then a bad release is
signed past the gates, and what clinicians override brings it back by itself (`regression.py`).
`report.py` writes the table; `price.py` says what a privacy budget would have cost.
"""
