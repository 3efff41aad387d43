"""Check every account, right and limit before any money is spent: one row each.

These modules have the probes, by subject: warehouse, vendors, sheet, limits, machine and disk. A probe is a small
function that uses the service as a job does, and returns a finding. Probes write nothing, make no table and buy no
lookup. rows.py runs the probes: if one fails, the others still run. systems.py combines all rows. result.py has the
result for the user, and render.py draws it.
"""

from leadflow.check.result import CheckResult
from leadflow.check.systems import check_systems

__all__ = ["CheckResult", "check_systems"]
