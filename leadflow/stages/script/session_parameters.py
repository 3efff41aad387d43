"""Allow or refuse the session parameters that a script sets with ALTER SESSION."""

from __future__ import annotations

from leadflow.errors import ScriptError
from leadflow.settings.sign_in import LEADFLOWS_PARAMETERS
from leadflow.stages.script.source import Statement

# A script may set these; leadflow restores them after the script.
# Source: https://docs.snowflake.com/en/sql-reference/parameters
_OF_THE_SCRIPT = frozenset(
    [
        "ABORT_DETACHED_QUERY",
        "BINARY_INPUT_FORMAT",
        "BINARY_OUTPUT_FORMAT",
        "CLIENT_MEMORY_LIMIT",
        "CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX",
        "CLIENT_PREFETCH_THREADS",
        "CLIENT_RESULT_CHUNK_SIZE",
        "CLIENT_RESULT_COLUMN_CASE_INSENSITIVE",
        "CLIENT_SESSION_KEEP_ALIVE",
        "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY",
        "CLIENT_TIMESTAMP_TYPE_MAPPING",
        "CSV_TIMESTAMP_FORMAT",
        "DATE_INPUT_FORMAT",
        "DATE_OUTPUT_FORMAT",
        "DEFAULT_NULL_ORDERING",
        "ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION",
        "ERROR_ON_NONDETERMINISTIC_MERGE",
        "ERROR_ON_NONDETERMINISTIC_UPDATE",
        "GEOGRAPHY_OUTPUT_FORMAT",
        "GEOMETRY_OUTPUT_FORMAT",
        "HYBRID_TABLE_LOCK_TIMEOUT",
        "JDBC_TREAT_DECIMAL_AS_INT",
        "JDBC_TREAT_TIMESTAMP_NTZ_AS_UTC",
        "JDBC_USE_SESSION_TIMEZONE",
        "JSON_INDENT",
        "JS_TREAT_INTEGER_AS_BIGINT",
        "LOCK_TIMEOUT",
        "LOG_LEVEL",
        "METRIC_LEVEL",
        "NOORDER_SEQUENCE_AS_DEFAULT",
        "ODBC_TREAT_DECIMAL_AS_INT",
        "QUERY_TAG",
        "QUOTED_IDENTIFIERS_IGNORE_CASE",
        "S3_STAGE_VPCE_DNS_NAME",
        "SEARCH_PATH",
        "SIMULATED_DATA_SHARING_CONSUMER",
        "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
        "STATEMENT_TIMEOUT_IN_SECONDS",
        "STRICT_JSON_OUTPUT",
        "TIMESTAMP_DAY_IS_ALWAYS_24H",
        "TIMESTAMP_INPUT_FORMAT",
        "TIMESTAMP_LTZ_OUTPUT_FORMAT",
        "TIMESTAMP_NTZ_OUTPUT_FORMAT",
        "TIMESTAMP_OUTPUT_FORMAT",
        "TIMESTAMP_TYPE_MAPPING",
        "TIMESTAMP_TZ_OUTPUT_FORMAT",
        "TIMEZONE",
        "TIME_INPUT_FORMAT",
        "TIME_OUTPUT_FORMAT",
        "TRACE_LEVEL",
        "TRANSACTION_ABORT_ON_ERROR",
        "TRANSACTION_DEFAULT_ISOLATION_LEVEL",
        "TWO_DIGIT_CENTURY_START",
        "UNSUPPORTED_DDL_ACTION",
        "USE_CACHED_RESULT",
        "WEEK_OF_YEAR_POLICY",
        "WEEK_START",
    ]
)


def raise_if_protected(part: Statement) -> None:
    """Refuse parameters that leadflow's own statements depend on, and unknown parameters."""
    words = part.words[2:]
    if words[:1] == ("SET",):
        names = [words[n - 1] for n, word in enumerate(words) if word == "=" and n > 1]
    elif words[:1] == ("UNSET",):
        names = [word for word in words[1:] if word != ","]
    else:
        names = []
    if not names:
        raise ScriptError(
            f"{part} cannot be read: {part.places(part.tokens)}: ALTER SESSION needs SET name = value, or UNSET name"
        )
    for name in names:
        if name in _OF_THE_SCRIPT:
            continue
        if name in LEADFLOWS_PARAMETERS:
            raise ScriptError(
                f"{part} changes the session parameter {name}, which leadflow's own statements depend on; "
                f"{LEADFLOWS_PARAMETERS[name]}"
            )
        shown = name if name.replace("_", "").isalnum() else "something"
        raise ScriptError(f"{part} changes {shown}, which is no session parameter that leadflow knows; remove it")
