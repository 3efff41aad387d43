"""E-mail addresses in a vendor's answer: a plain address, or nothing."""

from __future__ import annotations

import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.leads.emails import is_email, read_emails

_GOOD = [
    "ann@example.com",
    "Ann.Lee+deals@Mail.example.co.uk",
    "o'neil@example.com",
    "a_b-c@x.org",
    "1@x.io",
    "ann@münchen.de",
    "josé@example.com",
    "x@xn--mnchen-3ya.de",
]
_BAD = [
    "",
    "@",
    "a@",
    "@x.com",
    "none@none",
    "a@b",
    "a@b.com.",
    "a@.com",
    "a@b..com",
    "a..b@x.com",
    ".a@x.com",
    "a@-x.com",
    "a@x.c_m",
    "a@@x.com",
    "Ann <ann@example.com>",
    "mailto:ann@example.com",
    '"a b"@x.com',
    "ann lee@example.com",
    "ann@example.com (work)",
    "ann@[127.0.0.1]",
    "ann@127.0.0.1",
    "a@x, b@x",
    "a@x.com, b@x",
    "a@x.com/b@x.com",
    "ann@localhost",
    "ann@mail.test",
    "ann@x.invalid",
    "ann@x.local",
    "a@b.c",
    "x" * 65 + "@x.com",
    "a@" + "x" * 300 + ".com",
    "a@" + "x." * 150 + "com",
    "http://x.com/@ann",
    "n/a",
    "5045550143",
    "ann(at)x.com",
    "a@x.com\x00",
    "a\u200b@x.com",
]
_NOBODY = [
    "none@none.com",
    "noemail@noemail.com",
    "NO-EMAIL@gmail.com",
    "unknown@unknown.com",
    "na@na.com",
    "not.provided@x.com",
    "noreply@shop.com",
    "test@test.com",
    "null@null.net",
    "x@x.com",
    "fake@fake.com",
]
_PHONES = [
    "5045550143@vtext.com",
    "15045550143@tmomail.net",
    "504.555.0143@txt.att.net",
    "504-555-0143@x.com",
    "ann5045550143@x.com",
    "ann.504.555.0143.lee@x.com",
    "ann@5045550143.com",
    "+15045550143@x.com",
    "1_504_555_0143@x.com",
    "".join(chr(0xFF10 + int(d)) for d in "5045550143") + "@x.com",
]


@pytest.mark.parametrize("text", _GOOD)
def test_a_plain_address_is_kept_as_it_is_written(text):
    assert read_emails(f" {text}\t") == (text,)


@pytest.mark.parametrize("text", _BAD + _NOBODY)
def test_what_is_no_address_is_left_out(text):
    assert read_emails(text) == ()


@pytest.mark.parametrize("text", _PHONES)
def test_an_address_that_holds_a_phone_is_left_out(text):
    assert read_emails(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "ann1985@x.com",
        "2024.01.15@x.com",
        "ann504555@x.com",
        "50455501431234@x.com",
        "0005550143@x.com",
        "ann@1800x.com",
    ],
)
def test_digits_that_are_no_phone_stay(text):
    assert read_emails(text) == (text,)


@pytest.mark.parametrize("value", [None, 7, True, ["a@x.com"], {"data": "a@x.com"}, b"a@x.com"])
def test_what_is_no_text_has_no_address(value):
    assert read_emails(value) == ()


@pytest.mark.parametrize("between", [", ", ",", ";", " ; ", " | ", "\n", " "])
def test_two_addresses_in_one_cell_are_two(between):
    assert read_emails(f"a@x.com{between}b@y.org") == ("a@x.com", "b@y.org")
    assert read_emails(f"a@x.com{between}b@y") == ()
    assert read_emails(f"a@x.com{between}5045550143@vtext.com") == ("a@x.com",)


_piece = st.sampled_from(
    [
        "a",
        "B",
        "7",
        "504",
        ".",
        "-",
        "_",
        "+",
        "@",
        "com",
        "net",
        "xn--",
        "é",
        "\u200b",
        " ",
        ",",
        "<",
        "x" * 40,
        "none",
        "localhost",
        "test",
    ]
)


@given(
    st.lists(_piece, max_size=14).map("".join)
    | st.text(max_size=30)
    | st.from_regex(r"[\w.+-]{1,70}@[\w.-]{1,70}\.(com|us|net|test)", fullmatch=True)
)
@settings(max_examples=400, deadline=None)
def test_nothing_passes_that_the_library_refuses(text):
    """The quick way takes no address that email-validator does not, and no address holds a separator or two signs."""
    for email in read_emails(text):
        assert email.count("@") == 1
        assert not re.search(r"[\s,;|<>]", email)
        validate_email(email, check_deliverability=False, strict=True)
    if is_email(text):
        try:
            validate_email(text, check_deliverability=False, strict=True)
        except EmailNotValidError as error:
            pytest.fail(str(error))
