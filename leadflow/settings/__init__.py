"""Settings of leadflow: names, values, the places that they are read from, and the errors for wrong ones."""

from leadflow.settings.policy import Policy
from leadflow.settings.settings import Settings
from leadflow.settings.sheets import SheetsSettings
from leadflow.settings.vendors import DncSettings, IdicoreSettings, LitigatorSettings
from leadflow.settings.warehouse import WarehouseSettings

__all__ = [
    "Settings",
    "WarehouseSettings",
    "IdicoreSettings",
    "LitigatorSettings",
    "DncSettings",
    "SheetsSettings",
    "Policy",
]
