"""Settings of the hospital, read from the environment once, at start."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class HospitalSettings(BaseSettings):
    """``CARETIER_HOSPITAL_*``.

    Attributes:
        data: folder of the hospital's state.
        name: of the hospital, as clinics and devices see it.
        host: address to listen on; port: TCP port.
        database: SQLAlchemy URL; a SQLite file below ``data`` when unset.
        base_url: address under which the outside knows the hospital; needed behind a proxy, and
            wherever tokens are given out (their issuer and audience are made of it).
        redis: address of Redis, or None: then the hospital's own process does the jobs.
        hosts: further host names that requests may be for, comma-separated.
        secure_cookies: set the Secure flag of cookies; on wherever the portal is behind TLS.
        session_minutes: a portal session ends after so long without a request.
        address_failures: failed sign-ins of one network address in ten minutes, after which it has
            to wait; 0: no limit, where a proxy hides the addresses.
        treatment_relation: ``required``: a clinician opens the charts of their own patients, others
            by breaking the glass; ``off``: every chart. Each opening is audited either way.
        second_factor: ``off``, ``optional`` or ``required``: whether an account may or must have
            one; an account that has one is always asked for it.
        sign_in: ``local`` passwords, an identity ``provider``, or ``both``.
        oidc_issuer: address of the identity provider; oidc_client_id, oidc_client_secret: ours
            there; oidc_redirect: our own ``…/portal/provider/back``.
        oidc_roles: role by group, ``doctors=clinician,it=operator``.
        oidc_claim: claim of the ID token that holds the groups.
        launch_ehrs: EHRs from whose charts the portal may be opened, ``iss|client id`` separated by
            semicolons; their origins must be in ``outbound`` too.
        study: name of the study for which records are given out without the person; study_key: file
            with its root key (``caretier study key``); CARETIER_STUDY_ROOT when unset.
        retention: file that says how long what is kept; the one in `compliance` when unset.
        outbound: origins that others may name and that are then called (keys of clients,
            subscribers, other records), ``https://ehr.example.org,https://…``; none by default.
        sources: the reviewed list of sources that knowledge may come from; the one in
            `services.learning.sources` when unset. Their origins must be in ``outbound`` too.
        updates: the update policy of learning; the one in `services.learning` when unset.
        learn_from_edits: whether what clinicians change in a draft is learned from; with words only
            where the patient consented to it.
        suites: folder of the hospital's own suites, which updates are measured on; one stands in
            the place of the shipped one of its name.
        signing_passphrase: file with the passphrase of the keys that sign what was learned (in
            ``publisher-keys`` of the data folder); none is needed for keys without one.
        cds_open: whether decision support takes calls without a token, from this machine alone;
            for trying it out.
        overdue_emergency: minutes until an emergency that nobody answered is overdue;
            overdue_urgent, overdue_routine: the same for the others.
        outbound_private: whether those may be on this machine or in a private network.
    """

    model_config = SettingsConfigDict(env_prefix="CARETIER_HOSPITAL_", frozen=True)

    data: Path = Path("var/hospital")
    name: str = "Sandbox hospital"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database: str | None = None
    base_url: str | None = None
    redis: str | None = None
    hosts: str = ""
    secure_cookies: bool = False
    session_minutes: int = Field(default=20, ge=1)
    address_failures: int = Field(default=60, ge=0)
    treatment_relation: Literal["required", "off"] = "required"
    second_factor: Literal["off", "optional", "required"] = "off"
    sign_in: Literal["local", "provider", "both"] = "local"
    oidc_issuer: str = ""
    oidc_client_id: str = "caretier"
    oidc_client_secret: SecretStr | None = None
    oidc_redirect: str = "http://127.0.0.1:8000/portal/provider/back"
    oidc_roles: str = ""
    oidc_claim: str = "groups"
    launch_ehrs: str = ""
    study: str = ""
    study_key: Path | None = None
    retention: Path | None = None
    sources: Path | None = None
    updates: Path | None = None
    learn_from_edits: bool = False
    suites: Path | None = None
    signing_passphrase: Path | None = None
    outbound: str = ""
    outbound_private: bool = False
    cds_open: bool = False
    overdue_emergency: int = Field(default=15, ge=1)
    overdue_urgent: int = Field(default=4 * 60, ge=1)
    overdue_routine: int = Field(default=2 * 24 * 60, ge=1)

    @property
    def database_url(self) -> str:
        """Where the tables are."""
        return self.database or f"sqlite:///{self.data}/hospital.db"

    @property
    def outbound_origins(self) -> tuple[str, ...]:
        """The origins in `outbound`."""
        return tuple(origin.strip() for origin in self.outbound.split(",") if origin.strip())
