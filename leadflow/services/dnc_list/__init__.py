"""A do-not-call list on disk."""

from leadflow.services.dnc_list.service import DncListFile, dnc_service

__all__ = ["DncListFile", "dnc_service"]
