"""leadflow: from a Snowflake script to checked, callable leads in a Google Sheet, every job traceable.

>>> import leadflow as lf
>>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
...     job = engine.run("SELECT * FROM RAW_LEADS", name="all_leads", limit_rows=20)
...     job.ok
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from leadflow import errors as errors
    from leadflow import local as local
    from leadflow import stages as stages
    from leadflow.compliance.calling_hours import may_call as may_call
    from leadflow.engine import Engine as Engine
    from leadflow.engine import Estimate as Estimate
    from leadflow.engine import RescrubEstimate as RescrubEstimate
    from leadflow.job import Job as Job
    from leadflow.job import JobHandle as JobHandle
    from leadflow.job import JobStatus as JobStatus
    from leadflow.leads.columns import person_key as person_key
    from leadflow.leads.found_people import FoundAddress as FoundAddress
    from leadflow.leads.found_people import FoundName as FoundName
    from leadflow.leads.found_people import FoundPerson as FoundPerson
    from leadflow.leads.found_people import FoundPhone as FoundPhone
    from leadflow.leads.found_people import SearchResult as SearchResult
    from leadflow.leads.verdicts import Scrub as Scrub
    from leadflow.leads.verdicts import Verdict as Verdict
    from leadflow.notebook import panel as panel
    from leadflow.notebook import watch as watch
    from leadflow.reports import compare as compare
    from leadflow.reports import jobs as jobs
    from leadflow.reports import lineage as lineage
    from leadflow.reports import spend as spend
    from leadflow.reports import trace as trace
    from leadflow.reports import trend as trend
    from leadflow.services.blacklist_alliance import BlacklistAlliance as BlacklistAlliance
    from leadflow.services.people_data_labs import PeopleDataLabs as PeopleDataLabs
    from leadflow.settings import Settings as Settings
    from leadflow.shortcuts import certificate as certificate
    from leadflow.shortcuts import evidence as evidence
    from leadflow.shortcuts import forget as forget
    from leadflow.shortcuts import report as report
    from leadflow.shortcuts import stale as stale
    from leadflow.shortcuts import stop as stop
    from leadflow.shortcuts import suppressions as suppressions
    from leadflow.shortcuts import why as why
    from leadflow.stages.providers import PeopleSearch as PeopleSearch
    from leadflow.stages.providers import PhoneCheck as PhoneCheck

__version__ = "0.1.0"

_DEFINED_IN = {
    "Engine": "leadflow.engine",
    "Estimate": "leadflow.engine",
    "RescrubEstimate": "leadflow.engine",
    "Job": "leadflow.job",
    "JobHandle": "leadflow.job",
    "JobStatus": "leadflow.job",
    "Settings": "leadflow.settings",
    "Verdict": "leadflow.leads.verdicts",
    "BlacklistAlliance": "leadflow.services.blacklist_alliance",
    "FoundAddress": "leadflow.leads.found_people",
    "FoundName": "leadflow.leads.found_people",
    "FoundPerson": "leadflow.leads.found_people",
    "FoundPhone": "leadflow.leads.found_people",
    "PeopleDataLabs": "leadflow.services.people_data_labs",
    "PeopleSearch": "leadflow.stages.providers",
    "PhoneCheck": "leadflow.stages.providers",
    "Scrub": "leadflow.leads.verdicts",
    "SearchResult": "leadflow.leads.found_people",
    "person_key": "leadflow.leads.columns",
    "trace": "leadflow.reports",
    "jobs": "leadflow.reports",
    "compare": "leadflow.reports",
    "lineage": "leadflow.reports",
    "trend": "leadflow.reports",
    "spend": "leadflow.reports",
    "report": "leadflow.shortcuts",
    "forget": "leadflow.shortcuts",
    "stale": "leadflow.shortcuts",
    "stop": "leadflow.shortcuts",
    "evidence": "leadflow.shortcuts",
    "certificate": "leadflow.shortcuts",
    "suppressions": "leadflow.shortcuts",
    "why": "leadflow.shortcuts",
    "panel": "leadflow.notebook",
    "watch": "leadflow.notebook",
    "may_call": "leadflow.compliance.calling_hours",
}
_MODULES = ("errors", "local", "stages")

__all__ = [
    "Engine",
    "Estimate",
    "RescrubEstimate",
    "Job",
    "JobHandle",
    "JobStatus",
    "Settings",
    "Verdict",
    "PeopleSearch",
    "PhoneCheck",
    "PeopleDataLabs",
    "BlacklistAlliance",
    "SearchResult",
    "FoundPerson",
    "FoundName",
    "FoundAddress",
    "FoundPhone",
    "Scrub",
    "person_key",
    "trace",
    "jobs",
    "compare",
    "lineage",
    "trend",
    "spend",
    "report",
    "forget",
    "stale",
    "evidence",
    "certificate",
    "may_call",
    "suppressions",
    "why",
    "panel",
    "stop",
    "watch",
    "errors",
    "local",
    "stages",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing leadflow stays quick."""
    if name in _DEFINED_IN:
        return getattr(importlib.import_module(_DEFINED_IN[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"leadflow.{name}")
    raise AttributeError(f"module 'leadflow' has no attribute {name!r}; it has {', '.join(__all__)}")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the cell magic %%leads: IPython calls this for %load_ext leadflow."""
    importlib.import_module("leadflow.notebook.magic").register(shell)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
