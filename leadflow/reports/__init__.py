"""What happened in a job: its trace, its report, past jobs, two jobs compared, one lead's history.

Data comes first (trace, flow, validation, delays, notes); html.py, markdown.py and text.py render it.
"""

from leadflow.reports.compare import compare
from leadflow.reports.report import Report, report
from leadflow.reports.trace import jobs, lineage, trace
from leadflow.reports.validation import Facts

__all__ = ["Facts", "Report", "compare", "jobs", "lineage", "report", "trace"]
