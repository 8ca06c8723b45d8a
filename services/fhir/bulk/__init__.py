"""Bulk data: whole stores, records and groups as NDJSON, in and out, without holding a request.

A program with ``system/`` scopes asks (`kickoff`, `asked`), its order is written down together with
the job that does it (`orders`), the job takes one moment's view of the store and writes files of
it (`snapshot`, `selection`, `export`, `files`), and the program that asked, and no other, fetches
them (`routes`) until they are over or it says that it is done.

    bulk = Bulk(database, store, data / "bulk", access_of,
                add_job=add_job, outbound=outbound, keep=timedelta(days=1))
    app.include_router(router(bulk, authorise))     # before the routes of single resources
    bulk.exporter.run(order, attempt, done)         # what the job does
"""
