"""The meaning of Blacklist Alliance's reason codes. A code that is not in the table is unchecked.

The vendor publishes no table. The codes are those that public code reads from real answers (read 2026-11-28):
https://github.com/tobsn/blacklist-alliance-client, and integrations that name plaintiff-, attorney- and prelitigation
lists, federal and state do-not-call lists, screamers, government numbers and the account's own suppression list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from leadflow.errors import SettingsError
from leadflow.leads.verdicts import Verdict, worst

POLICY_VERSION = "blacklist-alliance-2026-11"

# The states with do-not-call lists of their own; see services/dnc_list/coverage.py.
_STATES = (
    *("colorado", "florida", "indiana", "louisiana", "massachusetts", "missouri", "oklahoma", "pennsylvania"),
    *("tennessee", "texas", "wyoming"),
)
CODES: dict[str, Verdict] = {
    **dict.fromkeys(
        (
            *("plaintiff-primary", "plaintiff-secondary", "attorney-primary", "attorney-secondary"),
            *("prelitigation1", "prelitigation2", "anti-telemarketing", "tcpa"),
        ),
        Verdict.LITIGATOR,
    ),
    **dict.fromkeys(("federal-dnc", *(f"{state}-dnc" for state in _STATES)), Verdict.DNC),
    # People who complain, and the government: no list that forbids the call, and no number to call.
    **dict.fromkeys(("screamer", "screamers", "dnc-complainers", "gov"), Verdict.HOLD),
    "suppression": Verdict.INTERNAL_DNC,
}
_CODE = re.compile(r"[a-z0-9-]{1,40}")
_LONGEST = 160


def read_codes(reasons: object) -> list[str]:
    """Return the codes of a phone's reasons, which are text with commas between, or a list of texts.

    >>> read_codes("prelitigation1, Federal-DNC"), read_codes(None)
    (['federal-dnc', 'prelitigation1'], [])
    """
    parts = reasons if isinstance(reasons, list) else str(reasons or "").split(",")
    return sorted({str(part).strip().lower() for part in parts} - {""})


def verdict_of(codes: list[str], table: Mapping[str, Verdict]) -> Verdict:
    """Return the worst verdict of a listed phone's codes; unchecked without a code that the table knows.

    >>> str(verdict_of(["federal-dnc", "prelitigation1"], CODES)), str(verdict_of(["new-list"], CODES))
    ('litigator', 'unchecked')
    """
    return worst(*(table.get(code, Verdict.UNCHECKED) for code in codes))


def storable(codes: list[str]) -> str:
    """Return the codes as text for the records; an error of the vendor may put any text, even a phone, in their place.

    >>> storable(["federal-dnc", "gov"]), storable(["Ann Lee"]), storable(["5045550143"])
    ('federal-dnc,gov', 'unreadable', 'unreadable')
    """
    text = ",".join(codes)
    is_safe = len(text) <= _LONGEST and all(_CODE.fullmatch(code) and not re.search(r"\d{5}", code) for code in codes)
    return text if is_safe else "unreadable"


def overridden(codes: Mapping[str, str]) -> dict[str, Verdict]:
    """Return the verdicts that the settings give to single codes. Raises SettingsError for an unknown verdict."""
    known = {verdict.value: verdict for verdict in Verdict}
    for code, word in codes.items():
        if word not in known:
            raise SettingsError(
                f"blacklist_alliance.codes maps {code!r} to {word!r}; known verdicts are {', '.join(known)}"
            )
    return {code.strip().lower(): known[word] for code, word in codes.items()}


def policy_of(overrides: Mapping[str, Verdict]) -> str:
    """Return the policy that a check is recorded with: the version of CODES, and each code that the settings change."""
    changed = {code: verdict for code, verdict in overrides.items() if CODES.get(code) != verdict}
    return POLICY_VERSION + "".join(f"+{code}={verdict}" for code, verdict in sorted(changed.items()))
