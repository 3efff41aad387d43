"""Area codes of the United States by state, and a check for numbers that cannot belong to a US consumer.

The table holds the codes that the NANPA (nanpa.com, "NPA report" and planning letters) had assigned by AS_OF to states,
the District of Columbia and the five territories. The phonenumbers library supplies newer codes, without a state. A
code that is in neither source counts as unassigned.
"""

from __future__ import annotations

import re
from functools import lru_cache

from leadflow.leads.postal import STATE_CODES

AS_OF = "2026-11-01"

_CODES = {
    "AK": "907",
    "AL": "205 251 256 334 483 659 938",
    "AR": "327 479 501 870",
    "AS": "684",
    "AZ": "480 520 602 623 928",
    "CA": "209 213 279 310 323 341 350 357 369 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707 "
    "714 738 747 760 805 818 820 831 840 858 909 916 925 949 951",
    "CO": "303 719 720 748 970 983",
    "CT": "203 475 860 959",
    "DC": "202 771",
    "DE": "302",
    "FL": "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954",
    "GA": "229 404 470 478 678 706 762 770 912 943",
    "GU": "671",
    "HI": "808",
    "IA": "319 515 563 641 712",
    "ID": "208 986",
    "IL": "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872",
    "IN": "219 260 317 463 574 765 812 930",
    "KS": "316 620 785 913",
    "KY": "270 364 502 606 859",
    "LA": "225 318 337 457 504 985",
    "MA": "339 351 413 508 617 774 781 857 978",
    "MD": "227 240 301 410 443 667",
    "ME": "207",
    "MI": "231 248 269 313 517 586 616 679 734 810 906 947 989",
    "MN": "218 320 507 612 651 763 924 952",
    "MO": "235 314 417 557 573 636 660 816 975",
    "MP": "670",
    "MS": "228 471 601 662 769",
    "MT": "406",
    "NC": "252 336 472 704 743 828 910 919 980 984",
    "ND": "701",
    "NE": "308 402 531",
    "NH": "603",
    "NJ": "201 551 609 640 732 848 856 862 908 973",
    "NM": "505 575",
    "NV": "702 725 775",
    "NY": "212 315 329 332 347 363 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 934",
    "OH": "216 220 234 283 326 330 380 419 436 440 513 567 614 740 937",
    "OK": "405 539 572 580 918",
    "OR": "458 503 541 971",
    "PA": "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878",
    "PR": "787 939",
    "RI": "401",
    "SC": "803 821 839 843 854 864",
    "SD": "605",
    "TN": "423 615 629 729 731 865 901 931",
    "TX": "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 915 936 "
    "940 945 956 972 979",
    "UT": "385 435 801",
    "VA": "276 434 540 571 686 703 757 804 826 948",
    "VI": "340",
    "VT": "802",
    "WA": "206 253 360 425 509 564",
    "WI": "262 274 353 414 534 608 715 920",
    "WV": "304 681",
    "WY": "307",
}
STATE_OF = {code: state for state, codes in _CODES.items() for code in codes.split()}

# Central office codes that carriers do not assign to consumers (ATIS-0300051, CO Code Assignment Guidelines).
# In exchange 555 the numbers 0100 to 0199 are reserved for fiction; samples and tests use them.
_FICTION = re.compile("55501[0-9]{2}")
_SERVICE = re.compile("(?:[2-9]11|555|950|958|959|976)[0-9]{4}")
_E164 = re.compile(r"\+1([2-9][0-9]{2})([2-9][0-9]{6})")


def state_code(text: str) -> str:
    """Return the two-letter code of a US state, district, territory or military post office in any spelling, or "".

    >>> state_code(" La."), state_code("new  jersey"), state_code("US-TX"), state_code("ON")
    ('LA', 'NJ', 'TX', '')
    """
    plain = re.sub("[^a-z]", "", re.sub(r"^\s*usa?\s*[-_.,/]+", "", text.lower()))
    return STATE_CODES.get(plain, "").upper()


def not_a_consumer(e164: str) -> str:
    """Return the reason why a number of the North American plan cannot be a US consumer's (canada, toll_free ...).

    Return "" if it can be one. Return "" also for a number outside the plan; this function does not validate phones.

    >>> not_a_consumer("+15045550143"), not_a_consumer("+14165550143"), not_a_consumer("+18005550143")
    ('', 'canada', 'toll_free')
    >>> not_a_consumer("+15049115555"), not_a_consumer("+19995550143"), not_a_consumer("+17875550143")
    ('service_code', 'unassigned', '')
    """
    parts = _E164.fullmatch(e164)
    if parts is None:
        return ""
    area_code, line = parts.groups()
    if area_code not in STATE_OF and (reason := _foreign(area_code)):
        return reason
    return "service_code" if _SERVICE.fullmatch(line) and not _FICTION.fullmatch(line) else ""


def is_us(area_code: str) -> bool:
    """Whether numbers of an area code can belong to US consumers.

    >>> is_us("504"), is_us("876"), is_us("000")
    (True, False, False)
    """
    return area_code in STATE_OF or (re.fullmatch("[2-9][0-9]{2}", area_code) is not None and not _foreign(area_code))


@lru_cache(maxsize=1_000)
def _foreign(area_code: str) -> str:
    """Return why an area code outside the table has no US consumers, or "" if phonenumbers lists it as US."""
    import phonenumbers

    number = phonenumbers.parse(f"+1{area_code}2345678")
    kinds = phonenumbers.PhoneNumberType
    special = {kinds.TOLL_FREE: "toll_free", kinds.PREMIUM_RATE: "premium", kinds.PERSONAL_NUMBER: "personal"}
    region, kind = phonenumbers.region_code_for_number(number), phonenumbers.number_type(number)
    if kind in special:
        return special[kind]
    if region == "US":
        return ""
    return {None: "unassigned", "CA": "canada"}.get(region, f"abroad_{region}")
