"""What happened in a job: its trace, its report, past jobs, two jobs compared, one lead's story."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

from leadflow.reports.report import Report, compare, report
from leadflow.reports.trace import jobs, lineage, trace
from leadflow.reports.validation import Facts

__all__ = ["Facts", "Report", "compare", "jobs", "lineage", "report", "trace"]


class _Callable(types.ModuleType):
    """Importing leadflow.reports puts this module at lf.report, which users call: so it can be called."""

    def __call__(self, job_id: str, **options: Any) -> Report:
        """The report of a past job; checked against the sheet and the tables where an engine can be made."""
        if options:
            return report(job_id, **options)
        return importlib.import_module("leadflow.prompt").report(job_id)


sys.modules[__name__].__class__ = _Callable
