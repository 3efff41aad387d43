"""The leadflow command, and python -m leadflow. `leadflow --help` lists its commands."""

from leadflow.cli.entry import main

__all__ = ["main"]
