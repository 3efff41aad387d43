"""DNCScrub (Contact Center Compliance): the litigator list, and the do-not-call scrub.

Sources: https://docs.dncscrub.com/api-reference and
https://docs.dncscrub.com/api-reference/scrub/output-guide
The modules import one way: client -> bulk, codes; internal_list and reassigned stand alone.
"""

from leadflow.services.dncscrub.client import DncScrub, LitigatorList
from leadflow.services.dncscrub.internal_list import InternalList
from leadflow.services.dncscrub.reassigned import ReassignedNumbers

__all__ = ["DncScrub", "InternalList", "LitigatorList", "ReassignedNumbers"]
