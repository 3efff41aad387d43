"""Check every account, right and limit before any money is spent: one row each.

Each module but the last three has the probes of one system: warehouse, idicore_and_lists, sheet, limits, machine, disk.
A probe is a small function that uses the service as a job does, and returns what it found. Probes write nothing, make
no table and buy no lookup. rows.py runs them, so that one that fails stops no other; result.py is what the user gets;
render.py draws it.
"""

from leadflow.check.result import CheckResult
from leadflow.check.systems import check_systems

__all__ = ["CheckResult", "check_systems"]
