"""The session parameters of a sign-in: those of connections.toml and the settings, and leadflow's own.

Source: https://docs.snowflake.com/en/sql-reference/parameters. An account or a user may have other defaults.
"""

from __future__ import annotations

import warnings
from typing import Any

from leadflow.settings import WarehouseSettings
from leadflow.settings.sign_in import LEADFLOWS_PARAMETERS

# Values without which leadflow's statements fail, or read fewer rows than there are. A script's dates, times and
# results do not depend on them: its formats stay those of the account.
_PINNED: dict[str, Any] = {
    "AUTOCOMMIT": True,
    "MULTI_STATEMENT_COUNT": 1,
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "ARROW",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "ROWS_PER_RESULTSET": 0,
}


def session_parameters(settings: WarehouseSettings, query_tag: str) -> dict[str, Any]:
    """Return the parameters to sign in with. Warns of those of connections.toml that leadflow overrides."""
    named = _of_connection(settings.connection_name)
    ours = sorted(name for name in named if name.upper() in {*LEADFLOWS_PARAMETERS, "QUERY_TAG"})
    if ours:
        warnings.warn(
            f"the connection of connections.toml sets {', '.join(ours)}, which leadflow's own statements depend on; "
            "leadflow sets its own value",
            UserWarning,
            stacklevel=2,
        )
    kept = {name.upper(): value for name, value in named.items() if name not in ours}
    chosen = {name.upper(): value for name, value in settings.session_parameters.items()}
    return {**kept, **chosen, **_PINNED, "QUERY_TAG": query_tag}


def _of_connection(name: str | None) -> dict[str, Any]:
    """Return the session_parameters of a connection of connections.toml; the connector drops them for an argument."""
    if not name:
        return {}
    from snowflake.connector.config_manager import CONFIG_MANAGER

    try:
        connections: Any = CONFIG_MANAGER["connections"]
        found: Any = connections.get(name, {}).get("session_parameters") or {}
    except Exception:  # the sign-in reads the file too, and raises the error
        return {}
    plain = found.unwrap() if hasattr(found, "unwrap") else found
    return dict(plain) if isinstance(plain, dict) else {}
