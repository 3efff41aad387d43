"""A do-not-call list on disk: a copy of the national registry, and of state lists.

Sources: https://telemarketing.donotcall.gov (downloads of the registry),
https://www.ecfr.gov/current/title-16/section-310.4 (b)(3)(iv): a list counts for 31 days.
The modules import one way: service -> coverage, files -> tables, xml -> rows.
"""

from leadflow.services.dnc_list.service import DncListFile, dnc_service

__all__ = ["DncListFile", "dnc_service"]
