"""The local world: stand-ins for Snowflake, idiCORE, DNCScrub and Google Sheets on loopback, over real HTTP.

with leadflow.local.start() as world:
    engine = leadflow.Engine(world.settings)
"""

from __future__ import annotations

from leadflow.local.world import World, sample, start

__all__ = ["World", "sample", "start"]
