"""The personal brick: how one person wants answers, kept in their vault and nowhere else.

Workflow. `policy.py` holds what the person chose (language, reading level, units, interests) as a
policy brick: each change is a new version with its lineage, and a former one can be put back.
`present.py` dresses an answer for the person when it is shown: what is kept and what was sent stay
as they were. It converts units and explains words in notes beside the sources' sentences, which
it never rewrites, and moves what is hard to read behind "more", but nothing that warns.
`adapter.py` is a small low-rank adapter over the embedding of topics, learned from what the person
asked, if they switched that on; `training.py` trains it when the device is idle and on power, and
takes it only if it foresees held-out questions better than what was there. It orders suggestions;
it never chooses what an answer says. Nothing of this brick leaves the device.
"""
