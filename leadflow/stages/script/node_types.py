"""The node types of sqlglot's syntax trees that may occur in a query, a change, or a temporary table's CREATE."""

from __future__ import annotations

from sqlglot import exp

# Functions, operators and data types only read; side_effects.py refuses the functions that do more, by name.
_FAMILIES = (exp.Func, exp.Binary, exp.Unary, exp.Predicate, exp.DataType, exp.JSONPathPart, exp.SetOperation)
_READING = frozenset(
    [
        "Alias",
        "Aliases",
        "AtTimeZone",
        "Boolean",
        "Bracket",
        "CTE",
        "Changes",
        "Column",
        "ColumnConstraint",
        "ColumnDef",
        "ColumnPosition",
        "Connect",
        "Cube",
        "DataTypeParam",
        "DirectoryStage",
        "Distinct",
        "Fetch",
        "Filter",
        "Final",
        "From",
        "FromTimeZone",
        "Group",
        "GroupingSets",
        "Having",
        "HavingMax",
        "HexString",
        "HistoricalData",
        "Identifier",
        "IgnoreNulls",
        "Interval",
        "IntervalOp",
        "JSONKeyValue",
        "JSONPath",
        "JSONValue",
        "Join",
        "Lambda",
        "Lateral",
        "Limit",
        "LimitOptions",
        "Literal",
        "MatchRecognize",
        "MatchRecognizeMeasure",
        "ModelAttribute",
        "National",
        "NotNullColumnConstraint",
        "Null",
        "Offset",
        "Order",
        "Ordered",
        "Parameter",
        "Pivot",
        "PivotAlias",
        "PivotAny",
        "PositionalColumn",
        "Prior",
        "Pseudocolumn",
        "Qualify",
        "RawString",
        "RecursiveWithSearch",
        "RespectNulls",
        "Rollup",
        "Schema",
        "ScopeResolution",
        "Select",
        "SemanticView",
        "Slice",
        "Star",
        "Subquery",
        "Table",
        "TableAlias",
        "TableFromRows",
        "TableSample",
        "TimeUnit",
        "Tuple",
        "UnpivotColumns",
        "Values",
        "Var",
        "Version",
        "Where",
        "Window",
        "WindowSpec",
        "With",
        "WithinGroup",
    ]
)
_CHANGING = {
    "Insert",
    "Update",
    "Delete",
    "Merge",
    "When",
    "Whens",
    "Drop",
    "TruncateTable",
    "ConditionalInsert",
    "MultitableInserts",
}
_ALTERING = {"Alter", "AlterColumn", "Drop", "RenameColumn"}
_MAKING = {
    "Create",
    "Properties",
    "Clone",
    "Constraint",
    "ForeignKey",
    "IndexParameters",
    "PrimaryKey",
    "Reference",
    "UserDefinedFunction",
    "Return",
    "Heredoc",
}


def unknown_in_query(tree: exp.Expr) -> exp.Expr | None:
    """Return the first node that is not known to be part of a query, if any."""
    return _first_unknown(tree, set())


def unknown_in_change(tree: exp.Expr) -> exp.Expr | None:
    """Return the first node that is not known to be part of a change of rows or columns, or of a DROP."""
    return _first_unknown(tree, _ALTERING if isinstance(tree, exp.Alter) else _CHANGING)


def unknown_in_create(tree: exp.Expr) -> exp.Expr | None:
    """Return the first node that is not known to be part of a CREATE."""
    return _first_unknown(tree, _MAKING, (exp.ColumnConstraintKind, exp.Property))


def _first_unknown(tree: exp.Expr, more: set[str], families: tuple[type, ...] = ()) -> exp.Expr | None:
    known = _READING | more
    return next(
        (n for n in tree.walk() if type(n).__name__ not in known and not isinstance(n, (*_FAMILIES, *families))), None
    )
