"""The units of all displays, under the name that reports use."""

from leadflow.display.units import duration as duration
from leadflow.display.units import local_time as local_time
from leadflow.display.units import money as money
from leadflow.display.units import percent as percent
