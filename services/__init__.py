"""Services: what the hospital runs, and what all tiers share.

Imports point one way: ``cli`` > ``exchange`` > ``consult`` > ``fhir``, ``bricks``, ``engines`` >
``web``, ``store``; `services.hospital` is a leaf like `clinic_edge` and `patient_app`. A test
holds it.
"""
