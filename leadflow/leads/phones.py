"""US phone numbers: E.164, validity, and the time zones of the called party."""

from __future__ import annotations

import re
from functools import lru_cache

# A US number in E.164, as a regex; it is all that a vendor is asked about and a caller is given.
E164 = r"^\+1[2-9]\d{2}[2-9]\d{6}$"
_FICTION = re.compile(r"\+1[2-9]\d{2}55501\d{2}")
_NANP = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")
_USUAL = re.compile(r"(?:\+1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([2-9][0-9]{2})[ .-]?([0-9]{4})")


@lru_cache(maxsize=65_536)
def to_e164(text: str | None) -> str | None:
    """The E.164 form of a US phone however it is written, without its extension; None if it is not one.

    The reserved 555-0100 to 555-0199 numbers count as phones, as samples and tests use them.

    >>> to_e164("+1 (504) 555-0143 x12")
    '+15045550143'
    """
    # As vendors write them; any other way is for the library, which takes some twenty times as long.
    if usual := _USUAL.fullmatch(text or ""):
        return "+1" + "".join(usual.groups())
    import phonenumbers

    try:
        parsed = phonenumbers.parse((text or "").replace("\x00", ""), "US")
    except phonenumbers.NumberParseException:
        return None
    if parsed.country_code != 1:
        return None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not _NANP.fullmatch(number):
        return None
    return number if _FICTION.fullmatch(number) or phonenumbers.is_possible_number(parsed) else None


@lru_cache(maxsize=65_536)
def is_assigned(e164: str) -> bool:
    """Whether a number's area and exchange are in use; those kept for fiction count as if they were.

    >>> is_assigned("+15045550143"), is_assigned("+19995550143")
    (True, False)
    """
    import phonenumbers

    parsed = phonenumbers.parse(e164.replace("55501", "55601", 1) if _FICTION.fullmatch(e164) else e164, "US")
    return phonenumbers.is_valid_number(parsed)


def ten_digits(e164: str) -> str:
    """The ten digits US vendors take.

    >>> ten_digits("+15045550143")
    '5045550143'
    """
    return e164.removeprefix("+1")


@lru_cache(maxsize=65_536)
def time_zones(e164: str) -> tuple[str, ...]:
    """The time zones of the number's area, for calling hours; a phone may have moved away from its area code. None of no phone."""
    import phonenumbers
    from phonenumbers import timezone

    try:
        found = timezone.time_zones_for_geographical_number(phonenumbers.parse(e164, "US"))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE)
