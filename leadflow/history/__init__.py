"""The record of all jobs: one DuckDB file that any number of notebooks may write and read at once."""

from leadflow.history.history import History, default_path, open_history, set_default, standing

__all__ = ["History", "default_path", "open_history", "set_default", "standing"]
