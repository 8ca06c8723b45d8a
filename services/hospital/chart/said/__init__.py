"""What a chart says to a question, by the kind of thing that it is about.

Workflow. `questions` takes a question apart; `replies` finds here who answers for its subject:
results (`tests`), orders (`medicines`), diagnoses (`conditions`), vaccines and procedures
(`done`), medicines for a purpose (`treatment`), or a whole part of the chart (`topics`). `when`
keeps to the time that was asked about.
"""
