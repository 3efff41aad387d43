"""A do-not-call list on disk: a copy of the national registry, and of state lists.

Sources: https://telemarketing.donotcall.gov (downloads of the registry),
https://www.ecfr.gov/current/title-16/section-310.4 (b)(3)(iv): a list counts for 31 days.
The modules import one way: service -> coverage, files -> tables, xml -> rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadflow.services.dncscrub import DncScrub

if TYPE_CHECKING:
    from leadflow.services.dnc_list.service import DncListFile
    from leadflow.settings import DncSettings

__all__ = ["DncListFile", "dnc_service"]


def dnc_service(settings: DncSettings) -> DncScrub | DncListFile:
    """Return the do-not-call check that the settings name."""
    if settings.provider == "dncscrub":
        return DncScrub(settings)
    from leadflow.services.dnc_list.service import DncListFile

    return DncListFile(settings)


def __getattr__(name: str) -> Any:
    """Load DncListFile on first use: reading lists takes parts of pyarrow that a job without a list does not need."""
    if name != "DncListFile":
        raise AttributeError(name)
    from leadflow.services.dnc_list.service import DncListFile

    return DncListFile
