"""Settings of leadflow: what they are, where they come from, and what is wrong with them."""

from leadflow.settings.models import (
    DncSettings,
    IdicoreSettings,
    LitigatorSettings,
    Policy,
    Settings,
    SheetsSettings,
    WarehouseSettings,
)

__all__ = [
    "Settings",
    "WarehouseSettings",
    "IdicoreSettings",
    "LitigatorSettings",
    "DncSettings",
    "SheetsSettings",
    "Policy",
]
