"""Learning: how a parent improves from its children, under a reviewed policy.

Nothing is learned yet. Contributions, robust aggregation, gates, rollout and withdrawal belong
here; the hospital's Celery worker (`services.hospital.queue`) is where they will run.
"""
