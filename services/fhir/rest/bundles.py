"""Bundles posted to the base: transactions and batches."""

from __future__ import annotations

from fastapi import Response

from services.fhir.errors import FhirMethodError
from services.fhir.rest.call import Call


def process(call: Call) -> Response:
    """Do what a bundle says: a transaction as one, the entries of a batch each by itself."""
    raise FhirMethodError("bundles are not taken yet", ["GET"]) if call else AssertionError
