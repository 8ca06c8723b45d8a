"""Web: what every HTTP face of Caretier shares.

`create_app` gives a FastAPI application with RFC 9457 problem documents for every error, strict
security headers, a limit on the size of a request, health, readiness and metrics. Pages of the two
clients share the tokens and components in ``static/`` and ``templates/``.

    app = create_app("Caretier clinic", ready=lambda: {"database": True})
    join(app, router)
"""
