"""Blacklist Alliance: a further check of phones, for litigators and for do-not-call lists, in one call."""

from leadflow.services.blacklist_alliance.client import BlacklistAlliance

__all__ = ["BlacklistAlliance"]
