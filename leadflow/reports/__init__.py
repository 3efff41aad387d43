"""Reports on jobs: the trace, the report, past jobs, two jobs compared, one lead, a script's trend, and what was spent.

One set of modules makes the data (trace, flow, schedule, validation, delays, trend, spend, notes). html.py, markdown.py
and text.py render it.
"""

from leadflow.reports.compare import compare
from leadflow.reports.facts import Facts
from leadflow.reports.report import Report, report
from leadflow.reports.spend import spend
from leadflow.reports.trace import jobs, lineage, trace
from leadflow.reports.trend import trend

__all__ = ["Facts", "Report", "compare", "jobs", "lineage", "report", "spend", "trace", "trend"]
