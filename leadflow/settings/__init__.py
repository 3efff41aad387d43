"""Settings of leadflow: their names and values, the sources that they are read from, and their errors."""

from leadflow.settings.compliance import ComplianceSettings
from leadflow.settings.further import BlacklistAllianceSettings, PeopleDataLabsSettings
from leadflow.settings.policy import Policy
from leadflow.settings.settings import Settings
from leadflow.settings.sheets import SheetsSettings
from leadflow.settings.vendors import DncSettings, IdicoreSettings, LitigatorSettings, ReassignedSettings
from leadflow.settings.warehouse import WarehouseSettings

__all__ = [
    "Settings",
    "WarehouseSettings",
    "IdicoreSettings",
    "LitigatorSettings",
    "DncSettings",
    "ReassignedSettings",
    "PeopleDataLabsSettings",
    "BlacklistAllianceSettings",
    "SheetsSettings",
    "Policy",
    "ComplianceSettings",
]
