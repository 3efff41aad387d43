"""What happened in a job: its trace, its report, past jobs, two jobs compared, one lead's story."""

from leadflow.reports.report import Report, compare, report
from leadflow.reports.trace import jobs, lineage, trace
from leadflow.reports.validation import Facts

__all__ = ["Facts", "Report", "compare", "jobs", "lineage", "report", "trace"]
