"""Read an analyst's SQL script: split it into statements, refuse writes, find the query that returns the leads."""

from leadflow.stages.script.files import read_script, script_id
from leadflow.stages.script.parser import Script, parse_script
from leadflow.stages.script.redaction import without_constants, without_literals
from leadflow.stages.script.variables import set_statements

__all__ = [
    "Script",
    "parse_script",
    "read_script",
    "script_id",
    "set_statements",
    "without_constants",
    "without_literals",
]
