"""Snowflake: connection, session, tables and statements."""

from leadflow.services.warehouse.client import Warehouse

__all__ = ["Warehouse"]
