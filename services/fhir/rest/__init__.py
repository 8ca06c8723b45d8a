"""The FHIR REST API: one module for each kind of interaction; `services.fhir.routes` lists them."""
