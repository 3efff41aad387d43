"""When a person may be called: hours by state, the windows of one lead, and how a caller reads them.

    hours.csv -> table -> lead (with zones) -> windows -> text

Nothing here is legal advice. Emergencies that a state's governor declares cannot be known here.
"""

from leadflow.leads.calling_hours.lead import describe_lead, lead_windows
from leadflow.leads.calling_hours.table import CallingHours, StateHours, read_hours
from leadflow.leads.calling_hours.text import describe, read_description
from leadflow.leads.calling_hours.vendor import UNREADABLE, read_calling_window, storable_window
from leadflow.leads.calling_hours.windows import Window, next_open
from leadflow.leads.calling_hours.zones import STATE_ZONES, number_zones

__all__ = [
    "CallingHours",
    "StateHours",
    "read_hours",
    "Window",
    "lead_windows",
    "describe_lead",
    "next_open",
    "describe",
    "read_description",
    "read_calling_window",
    "storable_window",
    "UNREADABLE",
    "STATE_ZONES",
    "number_zones",
]
