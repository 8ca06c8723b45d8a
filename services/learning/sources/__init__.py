"""From the internet to the parent: licensed sources become knowledge, when a person says so.

A reviewed list (`sources.yaml`) names each source with its licence, its address, how often it is
asked and what it may become. What a source gives is kept under its digest with its date
(`snapshot`); what could be malformed, replayed, relicensed or hostile is refused or set apart. The
rest is ingested into a candidate, compared with what is in use and with what it replaces
(`change`), and held against every gate (`gates`). A clinician sees the difference topic by topic
and sentence by sentence, contradictions first, and approves or refuses. Only then is a brick made,
signed and published. A source that is away leaves everything as it is.

    sources = Sources(shop, database, catalogue, folder, ...)
    sources.tick()                                   # adds a job for each source that is due
    change = await sources.fetch("medlineplus")      # conditional; None when nothing is new
    sources.check(change)                            # waiting, quarantined or unchanged
    sources.approve(change, candidate, "ana", "Read it all.")
    sources.release(change)                          # the brick, signed where the keys are at hand
"""
