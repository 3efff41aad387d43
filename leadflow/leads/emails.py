"""Read and validate the e-mail addresses in a vendor's text."""

from __future__ import annotations

import re
import unicodedata

from leadflow.leads.phones import to_e164

# The form of nearly all addresses. The library validates all others; it takes fifty times as long.
_USUAL = re.compile(
    r"(?=.{6,200}\Z)(?=[^@]{1,64}@)[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.)+(?:com|net|org|edu|gov|us)",
    re.IGNORECASE | re.ASCII,
)
_SHORTEST_TLD = 2  # ISO 3166 codes; no one-letter domain exists
_PUNYCODE = re.compile(r"..--")  # reserved labels of domain names: the library decodes them
_BETWEEN = re.compile(r"[\s,;|]+")
_PHONE = re.compile(r"(?<![0-9])(?:1[._+-]*)?[2-9][0-9]{2}[._+-]*[2-9][0-9]{2}[._+-]*[0-9]{4}(?![0-9])")
_NO_LETTERS = re.compile("[^a-z]+")
_NOBODY = re.compile(
    "none|null|nobody|not?(?:e?mail|name|address|emailaddress|available|provided|given|known|reply)"
    "|unknown|donotreply|invalid|declined|refused"
)
_NOBODY_AT_ITSELF = frozenset(
    [
        "na",
        "nil",
        "no",
        "not",
        "test",
        "email",
        "mail",
        "x",
        "xx",
        "xxx",
        "asdf",
        "fake",
        "abc",
        "aaa",
        "user",
        "example",
    ]
)


def read_emails(text: object) -> tuple[str, ...]:
    """Return all e-mail addresses in a vendor's text, or none if any part of the text is not an address.

    Addresses that contain a phone, such as those of a text message gateway, are dropped: no check covered that phone.
    The syntax is RFC 5321 as in the email-validator library. The function makes no DNS query.

    >>> read_emails(" Ann@example.com "), read_emails("a@x.com, b@x.com"), read_emails("a@x, b@x"), read_emails("@")
    (('Ann@example.com',), ('a@x.com', 'b@x.com'), (), ())
    """
    if not isinstance(text, str):
        return ()
    parts = _BETWEEN.split(text.strip())
    return tuple(part for part in parts if not _holds_phone(part)) if all(map(is_email, parts)) else ()


def is_email(text: str) -> bool:
    """Whether text is one plain address: no display name, no bare host, no placeholder such as none@none.com.

    >>> is_email("ann.lee@example.com"), is_email("Ann <ann@example.com>"), is_email("ann@localhost")
    (True, False, False)
    """
    if not (_USUAL.fullmatch(text) and not _PUNYCODE.search(text)) and not _is_valid(text):
        return False
    return not _is_placeholder(text)


def _is_valid(text: str) -> bool:
    """Validate an address with the library. Its errors quote the address, so they must not propagate."""
    if "@" not in text or len(text.rpartition(".")[2]) < _SHORTEST_TLD:
        return False
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return False
    return True


def _is_placeholder(text: str) -> bool:
    """Whether an address is a placeholder from a form: noemail@noemail.com, unknown@gmail.com, na@na.com."""
    name, _, domain = text.lower().rpartition("@")
    word, host = _NO_LETTERS.sub("", name), domain.partition(".")[0]
    return bool(_NOBODY.fullmatch(word)) or (word == host and word in _NOBODY_AT_ITSELF)


def _holds_phone(text: str) -> bool:
    """Whether an address contains a US phone: ten digits, with or without a 1 and separators."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return any(to_e164(re.sub("[^0-9]", "", found)) for found in _PHONE.findall(plain))
