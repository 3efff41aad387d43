"""Ways to write phones, texts without one, and what tests of phone columns share."""

from __future__ import annotations

import re

from leadflow.stages import check_dnc, check_litigators

DNC, CLEAN, LITIGATOR = "3055550116", "2125550105", "4805550114"


WHO = {"First Name": "Ann", "Last Name": "Lee", "Address": "1 Elm St", "City": "Bath", "State": "NH", "Zip": "03740"}


# Ways to write 305 555 0116, each with the digits in place.
WRITINGS = [
    "{a}{b}{c}",
    "({a}) {b}-{c}",
    "{a}-{b}-{c}",
    "{a}.{b}.{c}",
    "{a} {b} {c}",
    "({a}){b}{c}",
    "({a})  {b} - {c}",
    "{a}/{b}/{c}",
    "{a}/{b}-{c}",
    "{a}_{b}_{c}",
    "{a},{b},{c}",
    "{a}·{b}·{c}",
    "{a}•{b}•{c}",
    "[{a}] {b}-{c}",
    "{a} - {b} - {c}",
    "{a}\n{b}\n{c}",
    "{a}\t{b}\t{c}",
    "{a} {b}{c}",
    "{a}.{b}{c}",
    "{a}{b}-{c}",
    "+1{a}{b}{c}",
    "+1 {a} {b} {c}",
    "1-{a}-{b}-{c}",
    "1{a}{b}{c}",
    "1.{a}.{b}.{c}",
    "+1 ({a}) {b}-{c} x12",
    "{a}-{b}-{c} ext. 5",
    "001 {a} {b} {c}",
    "0{a}{b}{c}",
    "000{a}{b}{c}",
    "{a}{b}{c}.0",
    "{a}{b}{c}.00",
    "'{a}{b}{c}",
    '="{a}{b}{c}"',
    "tel:+1{a}{b}{c}",
    "tel:{a}-{b}-{c}",
    "https://wa.me/1{a}{b}{c}",
    "whatsapp://send?phone=1{a}{b}{c}",
    "{a}\u2013{b}\u2013{c}",
    "{a}\u2014{b}\u2014{c}",
    "{a}\u2011{b}\u2011{c}",
    "{a}\u2212{b}\u2212{c}",
    "{a}\u00a0{b}\u00a0{c}",
    "{a}\u202f{b}\u202f{c}",
    "\u200b{a}\u200b{b}\u200b{c}",
    "\u202a{a}{b}{c}\u202c",
    "{a}\u00ad{b}\u00ad{c}",
    "({a})-{b}-{c}",
    "{a}%20{b}%20{c}",
    "{a}&nbsp;{b}&nbsp;{c}",
    "{a}&#45;{b}&#45;{c}",
    "<b>{a}</b> <i>{b}</i>{c}",
    "{a}\\u002d{b}\\u002d{c}",
    '{{"phone": "{a}-{b}-{c}"}}',
    "['{a}{b}{c}']",
    "ph{a}{b}{c}x",
    "{a}{b}{c}@vtext.com",
    "call {a} {b} {c} after 5",
    "owner's cell is {a}-{b}-{c}, wife 2026-07-07",
    "2026-07-07 12:30 {a}-{b}-{c}",
    "{a}-{b}-{c} / 212-555-0105",
    "12 beds; {a}{b}{c}; 3",
]


SHAPED = {
    "grouped as thousands": lambda d: f"{d[0]},{d[1:4]},{d[4:7]},{d[7:]}",
    "one by one": " ".join,
    "one by one with dashes": "-".join,
    "in pairs": lambda d: " ".join(d[n : n + 2] for n in range(0, 10, 2)),
    "last four in pairs": lambda d: f"{d[:3]} {d[3:6]} {d[6:8]} {d[8:]}",
    "scientific": lambda d: f"{d[0]}.{d[1:]}E9",
    "scientific with a sign": lambda d: f"{d[0]}.{d[1:]}e+09",
    "full width": lambda d: "".join(chr(0xFF10 + int(n)) for n in d),
    "Arabic digits": lambda d: "".join(chr(0x660 + int(n)) for n in d),
    "mathematical digits": lambda d: "".join(chr(0x1D7CE + int(n)) for n in d),
    "key caps": lambda d: "".join(f"{n}\ufe0f\u20e3" for n in d),
    "twice without a blank": lambda d: d + "2125550105",
    "the letter O": lambda d: f"{d[:3]}-{d[3:6]}-{d[6:]}".replace("0", "O"),
    "in words": lambda d: " ".join(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][int(n)] for n in d
    ),
    "in words with oh": lambda d: "-".join(
        ["oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][int(n)] for n in d
    ),
}


PHONE_NAMES = """
Phone|PHONE_1|Phone Number|PHONENUMBER|phoneNumber2|Mobile|MOBILE_NO|Mobile Number|MOBILENUMBER|Cell|CELL_PHONE|
CELLNO|Cellphone|Cellular|Landline|LAND_LINE|CONTACT_NUMBER|ContactNo|Contact #|Home Phone|HOMEPHONE|Home #|
WORK_PHONE|Work Number|Office Phone|Business Phone|Telephone|TELEPHONE_NUMBER|Tel|TEL_NO|TELNUM|Tel.|WhatsApp|
Whats App No|Fax|FAX_NUMBER|SMS|SMS_NUMBER|Ph|PH_NO|Phn|Mob|Day Phone|DAYTIME_NUMBER|Evening Phone|Alt Phone|
Primary Phone|Best Number|Best Number To Call|Callback Number|Call Back|Emergency Contact Number|MSISDN|VoIP|
Owner Phone 3|Spouse Mobile|TELEFONO|Celular|Movil|Direct Dial|Pager|Toll Free|phone_e164|Phones|Wireless Phone|
Caller ID|HOMEMOBILE|HPHONE|H_PHONE|HM_PHONE|WK_PHONE|WPHONE|CPHONE|EVE_PHONE|LL_PHONE|Teléfono|Intl Phone|
ST_PHONE_1|Wireless|WIRELESS_NUMBER|Direct Line|HotLine|MDN|E164|CB_NUMBER|Alt #|ALT_NUMBER|Spouse#|
DIALED_NUMBER""".replace("\n", "").split("|")


def all_writings(digits):
    a, b, c = digits[:3], digits[3:6], digits[6:]
    return [w.format(a=a, b=b, c=c) for w in WRITINGS] + [shape(digits) for shape in SHAPED.values()]


def checked_frame(frame, checks):
    litigators, dnc = checks
    return check_dnc(check_litigators(frame, litigators), dnc)


def sheet_shows(world, digits):
    """The cells of the sheet, the header's too and the key's, that have these digits in their order."""
    cells = [cell for row in world.sheet_values() for cell in row]
    return [cell for cell in cells if digits in re.sub(r"\D", "", cell)]
