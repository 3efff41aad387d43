"""The stages. Each is a plain function: it takes a frame (extract: a script) and one service, returns a frame.

Importing one stage loads only what that stage uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadflow.stages.consolidation import consolidate as consolidate
    from leadflow.stages.delivery import deliver as deliver
    from leadflow.stages.dnc import check_dnc as check_dnc
    from leadflow.stages.extraction import extract as extract
    from leadflow.stages.filtering import filter_unprocessed as filter_unprocessed
    from leadflow.stages.litigators import check_litigators as check_litigators
    from leadflow.stages.lookup import lookup_people as lookup_people
    from leadflow.stages.reassigned import check_reassigned as check_reassigned

_MODULE_OF = {
    "extract": "extraction",
    "filter_unprocessed": "filtering",
    "lookup_people": "lookup",
    "check_litigators": "litigators",
    "check_dnc": "dnc",
    "check_reassigned": "reassigned",
    "deliver": "delivery",
    "consolidate": "consolidation",
}

__all__ = [
    "extract",
    "filter_unprocessed",
    "lookup_people",
    "check_litigators",
    "check_dnc",
    "check_reassigned",
    "deliver",
    "consolidate",
]


def __getattr__(name: str) -> Any:
    """Load a stage on first access."""
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"leadflow.stages.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'leadflow.stages' has no stage {name!r}; the stages are {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
