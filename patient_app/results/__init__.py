"""A person's results, each test with its curve, its range and what it is for (`explained`)."""

from patient_app.results.explained import explained

__all__ = ["explained"]
