"""Settings of the clinic, read from the environment once, at start."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClinicSettings(BaseSettings):
    """``CARETIER_CLINIC_*``.

    Attributes:
        data: folder of the clinic's state.
        name: of the clinic, as devices and the hospital see it.
        host: address to listen on; port: TCP port.
        hospital_url: base address of the hospital.
        database: SQLAlchemy URL; a SQLite file below ``data`` when unset.
        hosts: further host names that requests may be for, comma-separated.
        bricks_minutes: between two looks at the hospital's bricks.
        retention: file that says how long what is kept; the one in `compliance` when unset.
        learn: train on this clinic's signals and send the change, where the hospital learns.
        learn_minutes: between two looks at whether there is enough to learn from.
        learn_busy: greatest share of the processor that others may use when a training starts.
        learn_on_power: train on power only.
        measures_minutes: between two reports of counts to the hospital, by which it judges what it
            rolls out.
        updates: the update policy of learning; the one in `services.learning` when unset.
    """

    model_config = SettingsConfigDict(env_prefix="CARETIER_CLINIC_", frozen=True)

    data: Path = Path("var/clinic")
    name: str = "Sandbox clinic"
    host: str = "127.0.0.1"
    port: int = Field(default=8100, ge=0, le=65535)
    hospital_url: str = "http://127.0.0.1:8000"
    database: str | None = None
    hosts: str = ""
    bricks_minutes: float = Field(default=60.0, gt=0)
    retention: Path | None = None
    learn: bool = False
    learn_minutes: float = Field(default=60.0, gt=0)
    learn_busy: float = Field(default=0.5, ge=0, le=1)
    learn_on_power: bool = True
    measures_minutes: float = Field(default=15.0, gt=0)
    updates: Path | None = None

    @property
    def database_url(self) -> str:
        """Where the tables are."""
        return self.database or f"sqlite:///{self.data}/clinic.db"
