"""States and ZIP codes of the US: the codes of USPS Publication 28, and the states of ZIPs that begin with 0.

Spreadsheets and NUMBER columns remove the leading zero of these ZIPs. Their prefixes are those of the USPS
labeling list L002 (https://fast.usps.com/fast/fastApp/resources/labelListFiles.action).
"""

from __future__ import annotations

import re

_STATES = """
al alabama ala; ak alaska; az arizona ariz; ar arkansas ark; ca california calif cal; co colorado colo; ct
connecticut conn; de delaware del; dc districtofcolumbia washingtondc; fl florida fla; ga georgia; hi hawaii; id
idaho; il illinois ill; in indiana ind; ia iowa; ks kansas kans kan; ky kentucky; la louisiana; me maine; md
maryland; ma massachusetts mass; mi michigan mich; mn minnesota minn; ms mississippi miss; mo missouri; mt montana
mont; ne nebraska nebr neb; nv nevada nev; nh newhampshire; nj newjersey; nm newmexico nmex; ny newyork; nc
northcarolina ncar; nd northdakota ndak; oh ohio; ok oklahoma okla; or oregon ore oreg; pa pennsylvania penn penna;
ri rhodeisland; sc southcarolina scar; sd southdakota sdak; tn tennessee tenn; tx texas tex; ut utah; vt vermont; va
virginia; wa washington wash washingtonstate; wv westvirginia wva; wi wisconsin wis wisc; wy wyoming wyo; pr puertorico;
vi virginislands usvirginislands; gu guam; as americansamoa; mp northernmarianaislands
commonwealthofthenorthernmarianaislands; pw palau; fm federatedstatesofmicronesia micronesia; mh marshallislands; aa
armedforcesamericas; ae armedforceseurope; ap armedforcespacific
"""
# Maps a state's name, in lower case and without blanks, to its code.
STATE_CODES = {name: words[0] for group in _STATES.split(";") for words in [group.split()] for name in words}

# First and last three-digit prefix by state. Fishers Island, NY has a prefix of Connecticut; Andover, MA has one of
# Vermont.
_ZERO_PREFIXES = {
    "ny": ["005-005", "063-063"],
    "pr": ["006-007", "009-009"],
    "vi": ["008-008"],
    "ma": ["010-027", "055-055"],
    "ri": ["028-029"],
    "nh": ["030-038"],
    "me": ["039-049"],
    "vt": ["050-054", "056-059"],
    "ct": ["060-069"],
    "nj": ["070-089"],
    "ae": ["090-099"],
}
# Each state and prefix as one word, as in "me045".
ZERO_PREFIXES = frozenset(
    f"{state}{prefix:03}"
    for state, ranges in _ZERO_PREFIXES.items()
    for first, _, last in (text.partition("-") for text in ranges)
    for prefix in range(int(first), int(last) + 1)
)
_BLANKS = " \t\n\r\v\f\u00a0\u200b\ufeff"
_BETWEEN = re.compile(r"[\s\u00a0\u200b\ufeff,;'\"\u2010-\u2015-]+")
_DECIMALS = re.compile(r"(?<=[0-9])\.0*$")  # of a FLOAT or a NUMBER(10, 2)
# Maps the number of a ZIP's digits to the number after zero padding: five, or nine for a ZIP+4.
ZIP_DIGITS = {5: 5, 9: 9, 3: 5, 4: 5, 7: 9, 8: 9}


def state_code(state: str) -> str:
    """Return the postal code of a state in lower case. An unknown state is returned in lower case, no punctuation.

    >>> state_code("New Hampshire"), state_code("N.H."), state_code("me")
    ('nh', 'nh', 'me')
    """
    plain = re.sub(r"[\W_]+", "", state.lower())
    return STATE_CODES.get(plain, plain)


def repaired_zip(zip_code: str, state: str) -> str:
    """Return the five digits of a ZIP, or a number's digits. Other text is returned without blanks around it.

    Leading zeros are restored only if the resulting prefix belongs to the state: 4530 is not a ZIP of Texas.

    >>> [repaired_zip(text, "ME") for text in ("4530", "4530.0", "04530-1234", "045301234", "45301234", " 04530\\t")]
    ['04530', '04530', '04530', '04530', '04530', '04530']
    >>> repaired_zip("501", "New York"), repaired_zip("4530.0", "TX"), repaired_zip("K1A 0B1", "ON")
    ('00501', '4530', 'K1A 0B1')
    """
    written = zip_code.strip(_BLANKS)
    text = _DECIMALS.sub("", written)
    digits = _BETWEEN.sub("", text)
    if not (digits.isascii() and digits.isdecimal()):
        return written
    if len(digits) not in ZIP_DIGITS:
        return text
    five = digits.zfill(ZIP_DIGITS[len(digits)])[:5]
    is_whole = len(digits) in (5, 9)
    return five if is_whole or state_code(state) + five[:3] in ZERO_PREFIXES else text
