"""Settings of the device, read from the environment once, at start."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeviceSettings(BaseSettings):
    """``CARETIER_DEVICE_*``.

    Attributes:
        data: folder of the device's state.
        host: address to listen on; port: TCP port.
        clinic_url: base address of the clinic.
        passphrase_file: file with the vaults' passphrase for use without a browser; the sandbox
            has one, a person's own device has none.
        hosts: further host names that requests may be for, comma-separated.
        records: records at other servers that people may connect: ``name|FHIR base|client id``,
            separated by semicolons; our address there is ``…/record/back``. Further origins
            (an authorization server's) follow after another ``|``.
        records_private: whether those may be on this machine or in a private network.
        session_minutes: the browser is locked after so long without a request.
        bricks_minutes: between two looks at the clinic's bricks.
        secure_cookies: set the Secure flag of the cookie (where the device is served over TLS).
    """

    model_config = SettingsConfigDict(env_prefix="CARETIER_DEVICE_", frozen=True)

    data: Path = Path("var/device")
    host: str = "127.0.0.1"
    port: int = Field(default=8200, ge=0, le=65535)
    clinic_url: str = "http://127.0.0.1:8100"
    passphrase_file: Path | None = None
    hosts: str = ""
    records: str = ""
    records_private: bool = False
    session_minutes: int = Field(default=30, ge=1)
    bricks_minutes: float = Field(default=360.0, gt=0)
    secure_cookies: bool = False

    @property
    def vaults(self) -> Path:
        """Folder with one vault a person."""
        return self.data / "vaults"

    def passphrase(self) -> str | None:
        """The passphrase from the file, or None."""
        path = self.passphrase_file or self.data / "passphrase"
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None
