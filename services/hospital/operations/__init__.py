"""How a hospital's node stands, for the people who keep it running; nothing here is of a patient.

operations = Operations(Sight(database, settings, jobs, registry, ...))
operations.checks()        # what was looked at, the worst first
operations.nodes()         # clinics, the silent ones first
operations.queues()        # jobs, and those that were given up
operations.versions()      # software, models, knowledge
"""

from services.hospital.operations.health import Check, Sight
from services.hospital.operations.service import Operations

__all__ = ["Check", "Operations", "Sight"]
