"""The notebook's displays: the run panel, and the view of a job that another process runs."""

from leadflow.notebook.panel import Panel, panel
from leadflow.notebook.watch import Watch, watch

__all__ = ["Panel", "Watch", "panel", "watch"]
