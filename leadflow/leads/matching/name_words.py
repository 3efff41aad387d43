"""Words in a name field that are never part of a person's name, and words that are sometimes part of one.

The surnames and given names of the US Census (www.census.gov/topics/population/genealogy) separate the two kinds.
Church, Bank, Co, Null, Na, Test, Judge and Major are names of people; Md is a spelling of Mohammed in Bangladesh.
"""

from __future__ import annotations

from leadflow.leads.matching.text import word_set

GENERATIONS = {
    "jr": "jr",
    "junior": "jr",
    "sr": "sr",
    "senior": "sr",
    "ii": "ii",
    "2nd": "ii",
    "iii": "iii",
    "3rd": "iii",
    "iv": "iv",
    "4th": "iv",
}
SAINTS = {"st": "saint", "ste": "sainte"}
# These belong to the surname, wherever the vendor splits the name: "ANA VAN DER" + "BERG" is not Ana Berg.
PARTICLES = word_set("van von der den de del della dos das la las los saint sainte san santa mc mac")

# These mark a person as deceased or not to be called, or a row that is not a lead.
BARRED = word_set(
    """deceased decd decsd dcsd decease deceasd desceased decedent dead expired dnc optout unsubscribe unsubscribed
    duplicate deleted delete removed remove invalid litigator litigious suppressed"""
)
BARRED_PAIRS = frozenset([("do", "not"), ("opt", "out"), ("opted", "out"), ("not", "call"), ("passed", "away")])
BARRED_IN_BRACKETS = word_set("dec d died rip minor passed death")
BARRED_ENDS = word_set("dec rip dod died passed")  # only after another word: Rip Torn and John Dec are names
# These mark a deceased person's estate.
ESTATES = word_set("estate heirs legatees devisees")

TITLES = word_set(
    """mr mrs ms miss mx dr rev prof sgt ssgt sfc msgt tsgt smsgt cpl lcpl pvt pfc lt ltc ltcol capt cpt cmdr cdr
    adm brig amn mister missus reverend professor sergeant lieutenant fr dcn sra srta"""
)
# These are also given names or surnames; they are titles only before a given name.
TITLES_OR_NAMES = word_set(
    "hon gen maj col captain colonel general commander doctor pastor rabbi honorable father sister deacon"
)
# These follow a surname. DO, PA and MA are not in the list, because they are surnames.
CREDENTIALS = word_set(
    """md phd dds dmd dvm dpm pharmd psyd edd esq esquire rn lpn bsn msn np aprn fnp crna lmft cpa cfp cfa jd llm mba
    msw mph lcsw ret usn usmc usaf mr mrs ms dr rev sgt ssgt sfc msgt cpl lcpl pvt pfc ltc ltcol capt cpt cmdr cdr"""
)
# A person's role in a deed. The role and the words after it are not part of the name.
ROLES = word_set(
    """tr trs ttee ttees trustee trustees trustor grantor cotrustee cotrustees succ successor
    executor executrix exec exr
    exrx administrator administratrix admr admx guardian gdn custodian conservator beneficiary poa aka fka nka dba
    jt jtrs jtros
    jtwros jtten tenants tenant husband wife spouse surviving etal etals etux etvir unmarried uta utd udt dtd attn
    individually"""
)
# "SMITH REV LIV TR" is a trust.
TRUSTS = word_set("tr trs trst")
KINDS_OF_TRUST = word_set("rev liv living fam family revocable irrev irrevocable lvg inter testamentary")
ROLES_OR_NAMES = word_set("jt husband tenant guardian")  # only after another word
ROLE_PAIRS = {
    "et": word_set("al als ux uxor vir alii alia con"),
    "as": word_set("tr trs ttee ttees trustee trustees executor administrator joint tenants"),
    "a": word_set("single married widow widower unmarried"),
    "an": frozenset(["unmarried"]),
    "his": frozenset(["wife"]),
    "her": frozenset(["husband"]),
    "ten": word_set("ent com"),
    "comm": frozenset(["prop"]),
    "community": frozenset(["property"]),
    "personal": word_set("rep representative"),
    "life": word_set("est estate tenant interest"),
    "co": word_set("tr trs ttee ttees trustee trustees executor administrator"),
    "care": frozenset(["of"]),
    "in": frozenset(["care"]),
}
JOINING = frozenset(["and", "or", "&"])
COMPANIONS = word_set("son sons co company associates assoc daughters bros brothers partners sisters")  # Smith & Sons

# These are never names.
PLACEHOLDERS = word_set(
    """unknown unk unkn unknwn resident occupant homeowner householder anonymous noname nmn nmi nfn nln fnu lnu tbd
    tba asdf asdfasdf asdfgh qwerty undefined undisclosed unlisted unnamed withheld redacted confidential
    firstname lastname fname lname notprovided notavailable none nodata novalue customer consumer unspecified"""
)
# These are never a whole given name, but may be a surname: Jennifer Null, Frederick Test, Ana Blank.
NO_GIVEN_NAMES = word_set(
    """na null none test testing tester blank owner current name first last person user guest private the dear
    family lead sample example demo lessee tenant member patient client void empty error ref value object refused
    declined same ditto spouse wife husband parent parents manager"""
)
# A field, or both fields, with only these words is not a name.
PLACEHOLDER_WORDS = NO_GIVEN_NAMES | word_set(
    """not no available provided applicable listed given specified known stated supplied entered disclosed home
    as above below house property land business valued present determined boy girl baby infant
    newborn male female sir madam
    x nan nil"""
)

# These mark a company, an office or a trust, at any position.
COMPANIES = word_set(
    """llc llp lllp pllc inc incorporated corp corporation ltd company cooperative trust properties property
    holdings trusts trst realty realtors associates assoc association assn partnership partners enterprise enterprises
    investments investment investors ventures management mgmt services svcs solutions foundation ministries
    ministry university hospital apartments apts condominium condominiums homeowners development developers
    rentals mortgage insurance financial finance department dept authority district municipality township
    society committee commission agency institute academy clinic bros const tribes deli grocery citizens
    political gmbh asphalt concrete furniture outlet plc fsb jewelers dentistry rehab rehabilitation veterans
    democratic republican coalition pharmacy dental medical healthcare restaurant motors automotive construction
    contractors contracting plumbing electric heating supply systems technologies technology industries
    industrial international national federal logistics transport transportation trucking landscaping consulting
    consultants marketing design designs studio productions entertainment fitness bakery cafe liquor liquors
    foods food supermarket motel hotel catering cleaners products distributors manufacturing mfg engineering
    architects attorneys group global worldwide americas equities funding lending leasing acquisitions
    communications telecom wireless energy petroleum oil utilities airlines express corporate franchise daycare
    preschool elementary library museum cemetery diocese congregation synagogue mosque methodist lutheran
    presbyterian episcopal pentecostal evangelical adventist apostolic assembly tabernacle fund campaign
    retirement revocable irrevocable irrev family charities charitable centre nursery condos"""
)
# Rare surnames. They mark a company beside another such word, or after two words.
COMPANIES_OR_NAMES = word_set(
    """bank co lp county city state town village school schools college club farm farms ranch home builders estates
    credit savings first united american catholic baptist gospel living shop auto garage repair league union
    lodge center market mart store stores service salon pizza grill laundry media bureau holding capital pac
    condo"""
)
# Common surnames. They mark a company only beside a word of one of the lists above.
NAMES_OR_COMPANIES = word_set("church hall house temple law parish council board post land bible homes")
ENDS_OF_COMPANIES = frozenset(["na", "hoa", "pa", "pc"])  # after a company's other words
