"""Snowflake: sign in, run statements, prepare leadflow's tables, merge results into them.

Sources: https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api,
https://docs.snowflake.com/en/sql-reference/sql/merge
The modules import one way: client -> merge, tables -> statements -> connection -> interruption, names, parameters;
session -> statements.
"""

from leadflow.services.warehouse.client import Warehouse

__all__ = ["Warehouse"]
