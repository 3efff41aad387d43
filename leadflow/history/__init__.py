"""The record of all jobs: one DuckDB file that many notebooks can write and read at once."""

from leadflow.history.history import (
    HEARTBEAT_S,
    STALE_S,
    History,
    default_path,
    open_history,
    set_default,
    standing,
)

__all__ = ["HEARTBEAT_S", "STALE_S", "History", "default_path", "open_history", "set_default", "standing"]
