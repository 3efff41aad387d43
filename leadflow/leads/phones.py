"""US phone numbers: E.164, validity, and the time zones of the called party."""

from __future__ import annotations

import re
from functools import lru_cache

# A US number in E.164, as a regex. leadflow sends only such numbers to vendors and to the sheet.
E164 = r"^\+1[2-9]\d{2}[2-9]\d{6}$"
_FICTION = re.compile(r"\+1[2-9]\d{2}55501\d{2}")
_NANP = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")
_USUAL = re.compile(r" ?(?:\+?1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([2-9][0-9]{2})[ .-]?([0-9]{4})(?: ?x[0-9]{1,6})? ?")


@lru_cache(maxsize=65_536)
def to_e164(text: str | None) -> str | None:
    """Convert a US phone to E.164, without its extension; return None if the text is not a US phone.

    The reserved numbers 555-0100 to 555-0199 count as phones, because samples and tests use them.

    >>> to_e164("+1 (504) 555-0143 x12")
    '+15045550143'
    """
    # The formats that vendors use. The library reads all others; it takes twenty times as long.
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
    """Whether the area code and exchange of a number are assigned; numbers reserved for fiction count as assigned.

    >>> is_assigned("+15045550143"), is_assigned("+19995550143")
    (True, False)
    """
    import phonenumbers

    parsed = phonenumbers.parse(e164.replace("55501", "55601", 1) if _FICTION.fullmatch(e164) else e164, "US")
    return phonenumbers.is_valid_number(parsed)


def ten_digits(e164: str) -> str:
    """Return the ten digits of a number, the format that US vendors accept.

    >>> ten_digits("+15045550143")
    '5045550143'
    """
    return e164.removeprefix("+1")


@lru_cache(maxsize=65_536)
def time_zones(e164: str) -> tuple[str, ...]:
    """Return the time zones of a number's area, as in ("America/Chicago",); empty for text that is not a phone.

    A phone's owner may live outside its area.

    >>> time_zones("+15045550143")
    ('America/Chicago',)
    """
    import phonenumbers
    from phonenumbers import timezone

    try:
        is_usual = _NANP.fullmatch(e164)  # to parse a number takes twice as long as all the rest
        number = phonenumbers.PhoneNumber(1, int(e164[2:])) if is_usual else phonenumbers.parse(e164, "US")
        found = timezone.time_zones_for_geographical_number(number)
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE)
