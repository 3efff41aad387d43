"""Reports on jobs: the trace, the report, the list of past jobs, a comparison of two jobs, the history of one lead.

One set of modules makes the data (trace, flow, validation, delays, notes). html.py, markdown.py and text.py render it.
"""

from leadflow.reports.compare import compare
from leadflow.reports.facts import Facts
from leadflow.reports.report import Report, report
from leadflow.reports.trace import jobs, lineage, trace

__all__ = ["Facts", "Report", "compare", "jobs", "lineage", "report", "trace"]
