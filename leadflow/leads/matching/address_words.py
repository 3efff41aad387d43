"""The words of US addresses: USPS Publication 28, appendices B and C, and their common variants."""

from __future__ import annotations

from leadflow.leads.matching.text import word_set
from leadflow.leads.postal import STATE_CODES

# Each group holds the variants of one word; the first is the standard form. It is a whole word if the spacing may
# differ (Harbor View, Harborview), and an abbreviation if no name contains the word.
_SIDE_WORDS = """
n north; s south; e east; w west; ne northeast; nw northwest; se southeast; sw southwest
"""
_SUFFIX_WORDS = """
aly alley allee ally; ave avenue av aven avenu avn avnue avenida avda; blvd boulevard boul boulv; byp bypass; cir
circle circ circl crcl; cres crescent; ct court crt; cv cove; dr drive driv drv doctor; expy expressway expwy; fwy
freeway frwy; hwy highway highwy hiway hiwy; ln lane; loop loops; pass; path paths; pike pikes; pkwy parkway parkwy
pkway pky; pl place; plz plaza plza; rd road; row; rte route rt; run; sq square sqr sqre; st street str strt saint;
ter terrace terr; tpke turnpike trnpk tpk; trce trace traces; trl trail trails; walk walks; way; xing crossing
"""
_UNIT_WORDS = """
apt apartment apto; bldg building edif edificio; box bx bzn mailbox; bsmt basement; cond condo; dept department; fl
floor flr; hngr hangar; lower lowr; no number num nbr; ofc office; ph penthouse; pmb; rm room; slip; spc space; ste
suite sainte; trlr trailer; upper uppr; front frnt
"""
_STREET_WORDS = """
beach bch; bend bnd; branch br; brook brk; bridge brg; cliff clf; county co cnty; creek crk; center ctr centre cntr
cent; canyon cyn canyn; estate est; estates ests; falls fls; field fld; forest frst; fort ft frt; gardens gdns; glen
gln; green grn; grove grv; harbor hbr harbour; hill hl; hills hls; hollow holw; heights hts; island is; junction
jct; key ky; lake lk; lakes lks; meadows mdws; mill ml; mills mls; mount mt; mountain mtn; orchard orch; point pt;
port prt; ridge rdg; river riv; shore shr; spring spg; springs spgs; station sta; township twp; union un; village
vlg; valley vly; view vw; vista vis; mile milepost mi mp mm
"""
_NUMERALS = """
1 first one; 2 second two; 3 third three; 4 fourth four; 5 fifth five; 6 sixth six; 7 seventh seven; 8 eighth eight;
9 ninth nine; 10 tenth ten; 11 eleventh eleven; 12 twelfth twelve
"""
# Puerto Rico (section 29 of the publication).
_COMMUNITY_WORDS = """
urb urbanizacion urbanization; cond condominio; res residencial; bo barrio; bda barriada; repto reparto; parc
parcela parcelas; sect sector; ext extension; mans mansion mansiones; jard jardin jardines; qtas quintas; com
comunidad
"""


def _table(text: str) -> dict[str, str]:
    """Map each word to its standard form."""
    groups = [group.split() for group in text.split(";")]
    return {word: group[0] for group in groups for word in group}


ALIKE = _table(";".join((_STREET_WORDS, _UNIT_WORDS, _NUMERALS, _SUFFIX_WORDS, _SIDE_WORDS)))
SIDES = frozenset(_table(_SIDE_WORDS).values())
SUFFIXES = frozenset(_table(_SUFFIX_WORDS).values())
NUMBERED = frozenset({"hwy", "rd", "rte", "loop"})  # "Old Highway 90", "Park Road 4": the number is not a unit
HIGHWAYS = frozenset({"hwy", "rte", "us", "sr"})
UNITS = frozenset({"apt", "unit", "ste", "#"})
# Not "Old Trailer Park".
UNITS_WITH_NUMBER = word_set("bldg box cond dept fl hngr lot no ofc ph pmb rm slip spc trlr")
PARTS = frozenset({"rear", "front", "upper", "lower", "bsmt"})

COMMUNITIES = _table(_COMMUNITY_WORDS)
# Words between a community's name and a street. Without one, a Puerto Rican line is parsed like all other lines.
SPANISH_ROADS = word_set("calle callejon carr carretera km")
ROADS_OF_COMMUNITIES = SPANISH_ROADS | {"camino", "paseo", "ave", "blvd"}  # also elsewhere: Camino Real, Avenue B
PLOTS = frozenset({"lot", "spc", "trlr"})  # unique in a park; apartment numbers may repeat per building
PARK_WORDS = word_set("mobile home homes trailer trlr park mhp mhc rv court ct community")

# Words of a line that names no place.
NO_PLACES = word_set(
    "unknown unk none na null xxx xx tbd homeless confidential same test undisclosed withheld no not available n a"
)
# Words that begin a description or continue a distance: ACROSS FROM 12 ELM ST, 5 MILES N OF TOWN.
NEAR = word_set(
    "near behind across opposite next corner cor before after between past beyond above below off at by from of to old"
)
DISTANCES = word_set("mile miles block blocks blk blks yards feet")

_ONES = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
WRITTEN = {word: number for number, word in enumerate(_ONES.split(), 1)}
WRITTEN_TENS = {word: 10 * number for number, word in enumerate(_TENS.split(), 2)}

STATES = STATE_CODES
