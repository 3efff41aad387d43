"""What DNCScrub's answers mean: the result codes, what the settings change of them, and which lines are wireless.

Wire facts: https://docs.dncscrub.com/api-reference/scrub/output-guide. What a result code means stands in CODES alone;
settings.codes overrides it code by code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leadflow.errors import SettingsError
from leadflow.leads.verdicts import CALLABLE, Verdict, worst

POLICY_VERSION = "dncscrub-2026-11"

CODES: dict[str, Verdict] = {
    "C": Verdict.CLEAN,
    "W": Verdict.CLEAN_WIRELESS,
    "Y": Verdict.CLEAN_WIRELESS,
    "X": Verdict.HOLD,
    "E": Verdict.HOLD,
    "O": Verdict.HOLD,
    "R": Verdict.HOLD,
    "G": Verdict.HOLD,
    "H": Verdict.HOLD,
    "T": Verdict.HOLD,
    "L": Verdict.STATE_WIRELESS,
    "F": Verdict.STATE_WIRELESS,
    "V": Verdict.STATE_WIRELESS,
    "D": Verdict.DNC,
    "P": Verdict.INTERNAL_DNC,
    "B": Verdict.HOLD,
    "I": Verdict.INVALID,
    "M": Verdict.INVALID,
    "S": Verdict.INVALID,
}
_NO = ("", "0", "false")
_NOT_WIRELESS = ("", "allother")


def judged(row: Mapping[str, Any], code: str, codes: Mapping[str, Verdict]) -> Verdict:
    """The verdict of a row of the scrub with this result code; `codes` are CODES with what the settings change."""
    reason = str(row.get("Reason") or "")
    if "litigator" in reason.lower():
        return Verdict.LITIGATOR
    if CODES.get(code) in CALLABLE and _names_a_list(reason):
        return Verdict.HOLD
    verdict = codes.get(code, Verdict.UNCHECKED)
    if verdict is not Verdict.CLEAN:
        return verdict
    # A project that does not scrub wireless numbers answers C for them. They are held or delivered as W and Y are.
    wireless = _wireless_codes(row, reason)
    return worst(Verdict.CLEAN_WIRELESS, *map(codes.__getitem__, wireless)) if wireless else verdict


def _wireless_codes(row: Mapping[str, Any], reason: str) -> str:
    """The codes for a line that any field says is wireless (W) or VoIP (Y); "" for one that none says is.

    What no manual knows in these fields counts as wireless: it may be, and then an autodialer needs the person's consent.
    """
    line, carrier = _plain(row.get("LineType")), _plain(row.get("CarrierInfo"))
    if "voip" in line or "voip" in carrier:
        return "Y"
    is_wireless = (
        line not in _NOT_WIRELESS
        or "wireless" in carrier.split(";")[1:2]
        or any(part.strip() for part in reason.split(";")[3:])
    )
    if is_wireless:
        return "W" if line == "wireless" else "WY"
    return "" if _plain(row.get("IsWirelessOrVoIP")) in _NO else "WY"


def _plain(value: Any) -> str:
    return "" if value is None else str(value).strip().lower()


def _names_a_list(reason: str) -> bool:
    """Whether a reason, written national;state;other;W, says that a do-not-call list has the number."""
    return any(part.strip() for part in reason.split(";")[:3])


def shown(code: str) -> str:
    """A code that no manual knows, as it may be kept: a vendor's fault may put anything in its place."""
    return code if re.fullmatch(r"[A-Za-z0-9]{0,3}", code) else "unreadable"


def overridden(codes: Mapping[str, str]) -> dict[str, Verdict]:
    """What the settings make of single codes. An empty code means that nothing was checked: it has no verdict."""
    found = {code.strip().upper(): _verdict(code, word) for code, word in codes.items()}
    if wrong := [code for code in found if not re.fullmatch(r"[A-Z]", code)]:
        raise SettingsError(f"dnc.codes maps {wrong[0]!r}; a result code is one letter")
    return found


def policy_of(overrides: Mapping[str, Verdict]) -> str:
    """The policy that a scrub is recorded with: the version of CODES, and each code that the settings changed."""
    changed = {code: verdict for code, verdict in overrides.items() if CODES.get(code) != verdict}
    return POLICY_VERSION + "".join(f"+{code}={verdict}" for code, verdict in sorted(changed.items()))


def _verdict(code: str, word: str) -> Verdict:
    try:
        return Verdict(word)
    except ValueError:
        known = ", ".join(v.value for v in Verdict)
        raise SettingsError(f"dnc.codes maps {code!r} to {word!r}; known verdicts are {known}") from None
