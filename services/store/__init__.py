"""Storage: one way to a relational database, the same on SQLite and PostgreSQL.

A package that owns tables keeps ``models.py`` (with its own ``Base``) and ``migrations/``; a node
opens one `Database` and migrates the packages it needs.

    database = Database("sqlite:///var/clinic/clinic.db")
    database.migrate("services.exchange")
"""
