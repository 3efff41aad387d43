"""The meaning of DNCScrub's rows: the result codes, their overrides in the settings, and which lines are wireless.

Source: https://docs.dncscrub.com/api-reference/scrub/output-guide
CODES alone defines what a result code means; settings.codes overrides it code by code.
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


def verdict_of(row: Mapping[str, Any], code: str, codes: Mapping[str, Verdict]) -> Verdict:
    """Return the verdict of a row with this result code; `codes` are CODES with the overrides of the settings."""
    reason = str(row.get("Reason") or "")
    if "litigator" in reason.lower():
        return Verdict.LITIGATOR
    if CODES.get(code) in CALLABLE and _names_a_list(reason):
        return Verdict.HOLD
    verdict = codes.get(code, Verdict.UNCHECKED)
    if verdict is not Verdict.CLEAN:
        return verdict
    # A project without wireless scrubbing answers C for wireless numbers; C is handled like W and Y.
    wireless = _wireless_codes(row, reason)
    return worst(Verdict.CLEAN_WIRELESS, *map(codes.__getitem__, wireless)) if wireless else verdict


def _wireless_codes(row: Mapping[str, Any], reason: str) -> str:
    """Return the codes of a line that any field marks as wireless (W) or VoIP (Y); "" if none does.

    An undocumented value in these fields counts as wireless: an autodialer would then need the person's consent.
    """
    line, carrier = _lower(row.get("LineType")), _lower(row.get("CarrierInfo"))
    if "voip" in line or "voip" in carrier:
        return "Y"
    is_wireless = (
        line not in _NOT_WIRELESS
        or "wireless" in carrier.split(";")[1:2]
        or any(part.strip() for part in reason.split(";")[3:])
    )
    if is_wireless:
        return "W" if line == "wireless" else "WY"
    return "" if _lower(row.get("IsWirelessOrVoIP")) in _NO else "WY"


def _lower(value: Any) -> str:
    return "" if value is None else str(value).strip().lower()


def _names_a_list(reason: str) -> bool:
    """Return whether a reason, written national;state;other;W, names a do-not-call list."""
    return any(part.strip() for part in reason.split(";")[:3])


def storable_code(code: str) -> str:
    """Return a code for the records; an error of DNCScrub may put any text, even personal data, in its place."""
    return code if re.fullmatch(r"[A-Za-z0-9]{0,3}", code) else "unreadable"


def overridden(codes: Mapping[str, str]) -> dict[str, Verdict]:
    """Return the verdicts that the settings give to single codes. Raises SettingsError for an unknown one."""
    found = {code.strip().upper(): _verdict(code, word) for code, word in codes.items()}
    # The empty code is refused too: DNCScrub uses it for "not checked", which has no verdict.
    if wrong := [code for code in found if not re.fullmatch(r"[A-Z]", code)]:
        raise SettingsError(f"dnc.codes maps {wrong[0]!r}; a result code is one letter")
    return found


def policy_of(overrides: Mapping[str, Verdict]) -> str:
    """Return the policy that a scrub is recorded with: the version of CODES, and each code that the settings change."""
    changed = {code: verdict for code, verdict in overrides.items() if CODES.get(code) != verdict}
    return POLICY_VERSION + "".join(f"+{code}={verdict}" for code, verdict in sorted(changed.items()))


def _verdict(code: str, word: str) -> Verdict:
    try:
        return Verdict(word)
    except ValueError:
        known = ", ".join(v.value for v in Verdict)
        raise SettingsError(f"dnc.codes maps {code!r} to {word!r}; known verdicts are {known}") from None
