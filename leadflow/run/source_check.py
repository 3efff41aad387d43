"""What can be known of a script or of rows before a job is recorded: that they can never run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from leadflow.errors import ServiceError, TransientError
from leadflow.leads.columns import resolve_columns
from leadflow.services.warehouse import Warehouse
from leadflow.stages.landing import distinct, parsed_script, query_columns, set_up
from leadflow.stages.lead_source import ROW_NUMBER

if TYPE_CHECKING:
    from leadflow.settings import Settings
    from leadflow.stages.lead_source import LeadSource
    from leadflow.stages.script import Script


def check_alone(source: LeadSource, settings: Settings) -> Script | None:
    """Check a source without Snowflake: that a script may run and has a query, that rows have the columns of a person.

    Returns the parsed script, None for rows. Raises ScriptError, ColumnsError.
    """
    if source.rows is not None:
        resolve_columns(distinct([name for name in source.rows.columns if name != ROW_NUMBER]))
        return None
    return parsed_script(source.script, Warehouse(settings.warehouse), settings.warehouse.allow_writes)


def check_source(source: LeadSource, settings: Settings, warehouse: Warehouse) -> ServiceError | None:
    """Check a source, and let Snowflake compile a script of one statement; its query does not run.

    A script of several statements cannot be compiled before its own statements have run; its job finds out. Returns
    the error if Snowflake cannot be signed in to, which is not the script's fault: the job fails with it, as recorded.
    Raises ScriptError, ColumnsError.
    """
    parsed = check_alone(source, settings)
    if parsed is None or parsed.setup or parsed.alone:
        return None
    try:
        warehouse.connect()
    except ServiceError as error:
        return error
    with suppress(TransientError):  # the job repeats what Snowflake interrupts
        resolve_columns(distinct(query_columns(warehouse, set_up(parsed, warehouse, source.variables))))
    return None
