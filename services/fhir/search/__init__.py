"""Search of the FHIR store: what can be asked, how it is indexed, and how it is answered.

Workflow. `parameters` knows what every type can be searched by (``parameters.yaml``). When a
resource is written, `index.index_rows` takes those values out of it. A request becomes a `Query`
(`query.parse`), the query becomes SQL over the index (`compile`), and `run.find` gives one page:
matches that the caller may see, what they include, and a cursor to the next page.

    from services.fhir.search.query import parse

    query = parse("Observation", [("patient", "p01"), ("date", "ge2024"), ("_sort", "-date")])
    page = store.find(query, access)
    page = store.find(page.next, access)     # continues where that one ended

Everything that a query touches, chained and included resources too, passes
`services.fhir.visible`: a caller learns nothing of what they may not read, not even by counting.
"""
