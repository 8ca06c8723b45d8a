"""Storage: one way to a relational database, the same on SQLite and PostgreSQL.

A package that owns tables keeps ``models.py`` (with its own ``Base``) and ``migrations/``; a node
opens one `Database` and migrates the packages it needs.

    database = Database("sqlite:///var/clinic/clinic.db")
    database.migrate("services.exchange")

What a transaction decides by, it locks or names again in the statement that writes: others commit
between two statements. Rows of several tables are taken in this order, and several of one table in
the order of their keys (`services.store.rows`):

    a referral as it came, its job, its place on the desk, what hangs on that
    a round, its contributions
    an account, its sessions and codes
    the FHIR store's turn, whatever is written with a resource
    a subscription, its events, its jobs
    notices, at last

A transaction that is broken off all the same, for a deadlock say, fails, and nothing of it stands.
It is not begun again here: what it did besides, on the audit trail for one, would be done twice.
Jobs and couriers come back by themselves, and who waits for a page may ask again. The FHIR store
alone begins a write again, which is made to be.
"""
