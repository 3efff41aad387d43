"""DNCScrub: the litigator list and the do-not-call scrub."""

from leadflow.services.dncscrub.client import DncScrub, LitigatorList

__all__ = ["DncScrub", "LitigatorList"]
