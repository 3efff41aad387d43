"""Two addresses are one place, or not."""

from __future__ import annotations

import pytest
from matched import AT_HOME, both_ways, found, lead, same_by_line

from leadflow.services.matching import is_same


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("123 Main Street", "123 MAIN ST"),
        ("123 Main St.", "123 MAIN"),
        ("7 N Main St", "7 NORTH MAIN STREET"),
        ("123 N. Main St", "123 MAIN ST"),
        ("123 Main St N", "123 N MAIN ST"),
        ("123 N.E. 4th Ave", "123 NORTHEAST FOURTH AVENUE"),
        ("123 4th St", "123 4 ST"),
        ("123-A Main St", "123 MAIN ST"),
        ("123A Main St", "123-A MAIN ST"),
        ("123-A Main St", "123 MAIN ST APT A"),
        ("0123 Main St", "123 MAIN ST"),
        ("123 1/2 Main St", "123 1/2 MAIN ST"),
        ("123½ Main St", "123 1/2 MAIN ST"),
        ("123-1/2 Main St", "123 MAIN ST"),
        ("43-15 Main St", "4315 MAIN ST"),
        ("Apt 4, 123 Main St", "123 MAIN ST"),
        ("Apt 4, 123 Main St", "123 MAIN ST # 4"),
        ("#4 123 Main St", "123 MAIN ST UNIT 4"),
        ("123 Main St #4B", "123 MAIN ST APT 4B"),
        ("123 Main St Suite 4-B", "123 MAIN ST STE 4B"),
        ("123 Main St 4B", "123 MAIN ST UNIT 4B"),
        ("123 Main St Bldg 3 Apt 4", "123 MAIN ST APT 4"),
        ("123 Main St 2nd Floor", "123 MAIN ST FL 2"),
        ("123 Main St Rear", "123 MAIN ST"),
        ("123 Main St\nUnit 11", "123 MAIN ST UNIT 11"),
        ("123 Main St, PO Box 9", "123 MAIN ST"),
        ("123 Saint Charles Ave", "123 ST. CHARLES AVENUE"),
        ("123 St Charles", "123 SAINT CHARLES AVE"),
        ("123 Mt Vernon Rd", "123 MOUNT VERNON ROAD"),
        ("123 O'Keefe Ave", "123 O KEEFE AVE"),
        ("123 Cañon Dr", "123 CANON DR"),
        ("123 Harbor View Ln", "123 HARBORVIEW LANE"),
        ("123 Deer Run", "123 DEER RUN RD"),
        ("123 County Road 12", "123 CO RD 12"),
        ("123 County Rd 12", "123 CR 12"),
        ("123 C.R. 12", "123 CR12"),
        ("123 County Road 12 Apt 18, #B", "123 COUNTY RD 12 APT 18 # B"),
        ("123 State Road 7", "123 SR 7"),
        ("123 US Highway 90 W", "123 U.S. HWY 90 WEST"),
        ("123 Farm to Market Road 1960", "123 FM 1960"),
        ("123 Highway 90", "123 US HWY 90"),
        ("123 Route 9", "123 STATE ROUTE 9"),
        ("123 Ste. Marie Ave", "123 SAINTE MARIE AVENUE"),
        ("123 I-10", "123 INTERSTATE 10"),
        ("123 Avenue B", "123 AVE B"),
        ("123 North St", "123 NORTH STREET"),
        ("123 N St NW", "123 N ST"),
        ("842 E 1700 S", "842 EAST 1700 SOUTH"),
        ("123 Dr Martin Luther King Jr Blvd", "123 MARTIN LUTHER KING BLVD"),
        ("123 MLK Blvd", "123 Martin Luther King Jr Boulevard"),
        ("123 Front St", "123 FRONT STREET"),
        ("123 Old Trailer Park Rd", "123 OLD TRAILER PARK ROAD"),
        ("PO Box 12", "P.O. BOX 12"),
        ("P O Box 012", "POST OFFICE BOX 12"),
        ("PO Box #12", "BOX 12"),
        ("PO Box 12-A", "PO BOX 12A"),
        ("PO Box A-12", "PO BOX A 12"),
        ("RR 2 Box 15", "RURAL ROUTE 2 BOX 15"),
        ("123 Main St, Houston, TX 77002-1234", "123 MAIN ST"),
    ],
)
def test_one_address(mine, theirs):
    assert both_ways(mine, theirs)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("123 Main St", "123 ELM AVE"),
        ("123 Main St", "124 MAIN ST"),
        ("123 Main St", "1234 MAIN ST"),
        ("123 Main St", "MAIN ST"),
        ("123 Main St", "123"),
        ("123", "123"),
        ("Main St", "MAIN ST"),
        ("", ""),
        ("#", "#"),
        ("123 Oak St", "123 OAK CT"),
        ("123 Old Mill Rd", "123 OLD TOWN RD"),
        ("123 Old Mill Rd", "123 OLD RD"),
        ("123 N Main St", "123 S MAIN ST"),
        ("123 Peachtree St NE", "123 PEACHTREE ST NW"),
        ("123 Avenue B", "123 AVENUE C"),
        ("123 Avenue N", "123 AVENUE S"),
        ("123 N St NW", "123 E ST NW"),
        ("123 4th St", "123 5TH ST"),
        ("43-15 Main St", "43-17 MAIN ST"),
        ("43-15 Main St", "43 MAIN ST"),
        ("123-A Main St", "123-B MAIN ST"),
        ("123 1/2 Main St", "1231 MAIN ST"),
        ("Apt 4, 123 Main St", "123 MAIN ST APT 7"),
        ("Apt 4, 123 Main St", "4 MAIN ST"),
        ("123 Main St Bldg 3 Apt 4", "123 MAIN ST BLDG 3 APT 7"),
        ("123 County Road 12", "123 COUNTY ROAD 14"),
        ("123 County Road 12", "123 STATE ROAD 12"),
        ("123 US 90", "123 STATE HWY 90"),
        ("PO Box 12", "PO BOX 9999"),
        ("PO Box 12-3", "PO BOX 12"),
        ("PO Box 12-3", "PO BOX 123"),
        ("PO Box 12A", "PO BOX 12"),
        ("123 # 4", "123 # 4"),
        ("123 Apt 4", "123 APT 4"),
        ("PO Box 12", "12 BOX ST"),
        ("PO Box 12", "12 PO ST"),
        ("PO Box 12", "RR 2 BOX 12"),
        ("RR 2 Box 15", "RR 3 BOX 15"),
        ("General Delivery", "GENERAL DELIVERY"),
        ("123 Front St", "123 REAR ST"),
    ],
)
def test_two_addresses(mine, theirs):
    assert not both_ways(mine, theirs)


@pytest.mark.parametrize(
    ("mine", "area", "same"),
    [
        ({}, {}, True),
        ({"zip": "77002-1234"}, {}, True),
        ({}, {"zip": "77002-9999"}, True),
        ({}, {"zip": 77002}, True),
        ({"zip": "770021234"}, {"city": "BELLAIRE"}, True),
        ({"zip": "02101"}, {"zip": "2101", "city": "x"}, True),
        ({}, {"city": None, "state": None}, True),
        ({}, {"zip": "77099"}, True),
        ({}, {"zip": None}, True),
        ({"zip": ""}, {}, True),
        ({"city": "Ft. Worth"}, {"zip": "", "city": "FORT WORTH"}, True),
        ({"city": "St. Louis", "state": "MO"}, {"zip": "", "city": "SAINT LOUIS", "state": "MO"}, True),
        ({"city": "N Little Rock"}, {"zip": "", "city": "NORTH LITTLE ROCK"}, True),
        ({"city": "Coeur d'Alene"}, {"zip": "", "city": "COEUR D ALENE"}, True),
        ({"city": "San José"}, {"zip": "", "city": "SAN JOSE"}, True),
        ({"city": "Winston-Salem"}, {"zip": "", "city": "WINSTON SALEM"}, True),
        ({}, {"zip": "77099", "city": "DALLAS"}, False),
        ({}, {"zip": "77099", "state": "LA"}, False),
        ({}, {"zip": None, "city": None}, False),
        ({}, {"zip": None, "state": None}, False),
        ({}, {"zip": None, "city": None, "state": None}, False),
        ({"zip": "", "city": "", "state": ""}, {"zip": "", "city": "", "state": ""}, False),
        ({"zip": "00000", "city": ""}, {"zip": "00000"}, False),
        ({"zip": "N/A", "city": ""}, {"zip": "N/A"}, False),
        ({}, {"zip": None, "city": None, "state": None, "data": "123 MAIN ST, HOUSTON, TX 77002"}, True),
        ({}, {"zip": None, "city": None, "state": None, "data": "123 Main St Houston TX"}, True),
        ({}, {"data": "123 MAIN ST HOUSTON TX 77002-1111"}, True),
        ({}, {"zip": None, "city": None, "state": None, "data": "123 MAIN ST, DALLAS, TX 75201"}, False),
        ({"address": "PO Box 12"}, {"data": "PO BOX 12"}, True),
        ({"address": "PO Box 12"}, {"data": "PO BOX 12", "zip": None}, True),
        ({"address": "PO Box 12"}, {"data": "PO BOX 12", "zip": "77099"}, False),
        ({"address": "123 Omaha NE", "city": "Omaha", "state": "NE"}, {"data": "123 OMAHA NE"}, True),
    ],
)
def test_where_an_address_is(mine, area, same):
    assert is_same(lead(**mine), found(address={**AT_HOME, **area})) is same


def test_the_case_that_was_proven_wrong_is_refused():
    elsewhere = {"data": "123 ELM AVE", "city": "HOUSTON", "state": "TX", "zip": "77099"}
    assert not is_same(lead(), found(address=elsewhere))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("PSC 3 BOX 1234", "BOX 1234, PSC #3"),
        ("CMR 402 BX 77", "HHC 1-5 CAV CMR 402 BOX 77"),
        ("UNIT 2050 BOX 4190", "Unit 2050, Box 4190"),
        ("URB LAS GLADIOLAS 150 CALLE A", "150 CALLE A"),
        ("URB LAS GLADIOLAS CALLE A 150", "150 CALLE A URB. LAS GLADIOLAS"),
        ("Calle 3 A-17", "A17 CALLE 3"),
        ("KM 4.5 CARR 123", "CARR 123 KM 4.5"),
        ("Carr 2 Km 4 Hm 5", "CARR 2 KM 4.50"),
        ("COND TORRES DEL PARQUE APT 1204", "CONDOMINIO TORRES DEL PARQUE # 1204"),
        ("RES LLORENS TORRES EDIF 4 APT 12", "RESIDENCIAL LLORENS TORRES BLDG 4 APTO 12"),
        ("HC 2 BOX 123", "HCR 2 BUZON 123"),
        ("C/O John Smith 12 Elm St", "12 ELM STREET"),
        ("12 ELM ST % JOHN SMITH", "12 ELM ST"),
        ("ATTN JOHN SMITH, PO BOX 12", "PO BOX 12"),
        ("Oak Towers, 12 Elm St Apt 4", "12 ELM ST APT 4"),
        ("POB 12", "PO BOX 12"),
        ("PO BX 12", "P.O. BOX12"),
        ("P O DRAWER 12", "PO BOX 12"),
        ("POST OFFICE BOX 12", "BOX 12"),
        ("LOCK BOX 12", "PO BOX 12"),
        ("APARTADO 12", "PO BOX 12"),
        ("RFD 3 BOX 12", "RR 3 BOX 12"),
        ("R.F.D. #3, Box #12", "RURAL ROUTE 3 BOX 12"),
        ("RD 3 BOX 12", "BOX 12 RT 3"),
        ("STAR ROUTE 2 BOX 5", "HC 2 BOX 5"),
        ("HIGHWAY CONTRACT ROUTE 2 BOX 5", "STAR RT 2 BOX 5"),
        ("RR 2 MAPLE GROVE BOX 15", "RR2 BOX 15"),
        ("ONE MAIN ST", "1 MAIN STREET"),
        ("Twenty-One Elm St", "21 ELM ST"),
        ("ONE HUNDRED AND TWENTY ELM ST", "120 ELM ST"),
        ("STE 100 ONE MAIN ST", "1 MAIN ST # 100"),
        ("LOT 5 SHADY ACRES", "SHADY ACRES MOBILE HOME PARK SPC 5"),
        ("LOT 5 12 ELM ST", "12 ELM ST LOT 5"),
        ("MILE 12.5 STERLING HWY", "STERLING HIGHWAY MP 12.5"),
        ("N165 W2123 TARTAN CT", "N165W2123 TARTAN COURT"),
        ("BLDG 3 APT 4 123 MAIN ST", "123 MAIN ST BLDG 3 APT 4"),
        ("2ND FLOOR 123 MAIN ST", "123 MAIN ST FL 2"),
        ("123 MAIN ST PMB 5", "PMB 5, 123 MAIN ST"),
        ("# 12 MAIN ST", "12 MAIN ST"),
        ("URB ROYAL PALM B-5", "B5 URB ROYAL PALM"),
        ("PR-2 KM 4.5", "CARR 2 KM 4.5"),
        ("C/ AURORA 1234", "1234 CALLE AURORA"),
        ("DEPT 5 PO BOX 12", "PO BOX 12"),
        ("ONE MAIN ST PO BOX 12", "1 MAIN ST"),
        ("123 MAIN ST COND A", "123 MAIN ST UNIT A"),
        ("123 BO AVE", "123 BO AVENUE"),
        ("500 PARC AVE", "500 PARC AVENUE"),
        ("123 AVENIDA DEL SOL", "123 AVE DEL SOL"),
        ("12 TWO NOTCH RD", "12 2 NOTCH RD"),
    ],
)
def test_one_address_in_the_forms_of_the_post_and_of_people(mine, theirs):
    assert both_ways(mine, theirs)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("PSC 3 BOX 1234", "PSC 4 BOX 1234"),
        ("PSC 3 BOX 1234", "CMR 3 BOX 1234"),
        ("PSC 3 BOX 1234", "PO BOX 1234"),
        ("URB LAS GLADIOLAS 150 CALLE A", "URB VILLA CAROLINA 150 CALLE A"),
        ("150 CALLE A", "150 CALLE B"),
        ("CALLE 3 A-17", "17 CALLE 3"),
        ("KM 4.5 CARR 123", "KM 4 CARR 123"),
        ("RES LLORENS TORRES EDIF 4 APT 12", "RES LLORENS TORRES EDIF 41 APT 2"),
        ("COND PALMA APT 5", "COND CORAL APT 5"),
        ("RFD 3 BOX 12", "RFD 4 BOX 12"),
        ("RFD 3 BOX 12", "HC 3 BOX 12"),
        ("BOX 12 RR 3", "BOX 12 RR 5"),
        ("STAR ROUTE BOX 5", "HC 2 BOX 5"),
        ("ONE MAIN ST", "2 MAIN ST"),
        ("TWENTY ONE ELM ST", "20 ELM ST"),
        ("LOT 5 SHADY ACRES", "LOT 5 SUNNY ACRES"),
        ("LOT 5 SHADY ACRES", "5 SHADY ACRES"),
        ("MILE 12 ALASKA HWY", "12 ALASKA HWY"),
        ("C/O JOHN SMITH 12 ELM ST", "12 OAK ST"),
        ("2S650 WINFIELD RD", "650 WINFIELD RD"),
        ("W5678 HIGHWAY 10", "5678 HIGHWAY 10"),
        ("2345 39.2 RD", "2345 39.4 RD"),
        ("123 MAIN ST BLDG 4 APT 5", "123 MAIN ST BLDG 5 APT 5"),
        ("123 MAIN ST BLDG 4 APT 5", "123 MAIN ST BLDG 5 APT 4"),
    ],
)
def test_two_addresses_in_the_forms_of_the_post_and_of_people(mine, theirs):
    assert same_by_line(mine, mine)
    assert same_by_line(theirs, theirs)
    assert not both_ways(mine, theirs)


@pytest.mark.parametrize(
    ("mine", "area", "same"),
    [
        ({"state": "Texas", "zip": ""}, {"zip": None}, True),
        ({"city": "Fargo", "state": "N. Dak.", "zip": ""}, {"city": "FARGO", "state": "ND", "zip": None}, True),
        ({"city": "", "state": "", "zip": "", "address": "123 Main St, Houston, TX 77002"}, {}, True),
        ({"city": "", "state": "", "zip": "", "address": "123 Main St, Houston, TX"}, {"zip": None}, True),
        ({"city": "", "state": "", "zip": "", "address": "123 Main St, Dallas, TX 75201"}, {}, False),
        ({"city": "N/A", "state": "N/A", "zip": ""}, {"city": "N/A", "state": "N/A", "zip": ""}, False),
        ({"city": "Paris", "state": "Ontario", "zip": ""}, {"city": "PARIS", "state": "ONTARIO", "zip": ""}, False),
        ({"city": "", "zip": "99999"}, {"zip": "99999"}, False),
        (
            {"city": "Fargo", "state": "ND", "address": "123 Main St Fargo North Dakota"},
            {"city": None, "state": None, "zip": "77002"},
            True,
        ),
        (
            {"address": "150 CALLE A", "city": "San Juan", "state": "PR", "zip": "00926"},
            {"data": "URB SOL 150 CALLE A", "zip": "00926"},
            True,
        ),
        (
            {"address": "150 CALLE A", "city": "San Juan", "state": "PR", "zip": "00926"},
            {"data": "URB SOL 150 CALLE A", "city": "SAN JUAN", "state": "PR", "zip": "00921"},
            False,
        ),
    ],
)
def test_a_state_is_a_state_and_a_community_needs_its_zip(mine, area, same):
    assert is_same(lead(**mine), found(address={**AT_HOME, **area})) is same
