"""The interfaces of further providers: a second source of phones, and a further check of phones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from leadflow.leads.found_people import SearchResult
from leadflow.leads.people import Person
from leadflow.leads.verdicts import Scrub
from leadflow.services.transport.limits import StopFlag


@runtime_checkable
class PeopleSearch(Protocol):
    """A further source of phones, for leads without a callable phone; `Engine(settings, lookups=[...])` takes several.

    idiCORE is asked first, for every lead. A further source is asked in its turn, and only for a lead that is held as
    no_match, no_phone or all_suppressed. It is not asked after a failure, which a resume repeats, for a lead under
    review, or for a person with a phone on the house's do-not-call list or a litigator list. leadflow judges the people
    that it returns by the rules for idiCORE's people, checks their phones, stores each answer before it is used, and
    asks one source for one lead once. If no source helps and one found a near match, the lead is for job.review().

    `provider` is its name in the records: a word of small letters, digits and "_". `price` is in dollars for a search;
    budget and estimate count it. A source that does not charge for a search sets `charged=False` in the result.
    It may also have `max_in_flight`, the searches that leadflow sends at once (4 by default), `breakers` and `limiters`
    as leadflow's own clients have, `probe()`, which engine.check() calls and which returns what it found as text, and
    `close()`.

    Errors: raise leadflow.errors.TransientError for what may work later, and RefusedError if the account is refused,
    which ends the calls of this run. The lead is then held for retry. After any other error, or a result that is no
    SearchResult, the search counts as paid: the lead stays held as before and the source is not asked for it again.

    Example:
        >>> import leadflow as lf
        >>> class OwnRecords:
        ...     provider, price = "own_records", 0.05
        ...
        ...     def search(self, person, stop=None):
        ...         home = lf.FoundAddress(person.address, person.city, person.state, person.zip)
        ...         name = lf.FoundName(person.first_name, person.last_name)
        ...         return lf.SearchResult([lf.FoundPerson([name], [home], [lf.FoundPhone("504-555-0148")])])
        >>> with lf.local.start() as world, lf.Engine(world.settings, lookups=[OwnRecords()]) as engine:
        ...     job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=40)
        ...     [(row["provider"], row["asked"] > 0) for row in job.counts.providers if row["what"] == "lookup"]
        [('idicore', True), ('own_records', True)]
    """

    provider: str
    price: float

    def search(self, person: Person, stop: StopFlag | None = None) -> SearchResult:
        """Search for one person; several threads may call it at once. `stop` is set when the user stops the job."""
        ...


@runtime_checkable
class PhoneCheck(Protocol):
    """A further check that every phone must pass; `Engine(settings, checks=[...])` takes several.

    It is asked after leadflow's own litigator and do-not-call checks, which stay, and never in place of them. With
    several checks, the strictest verdict counts and all must have answered: a phone is clean only if each check that is
    configured says so, and one without an answer is unchecked. They are asked in order, each for all phones of the
    leads that still have a callable one, so that a lead which is held anyway costs nothing more.

    `provider` is its name in the records and `kind` what it checks, in a word that leadflow does not use: not
    litigator, dnc, reassigned or internal. Both are words of small letters, digits, "_" and "+". `price` is in dollars
    a number. It may also have `policy`, a text that names the meaning of its codes (checks under another policy are
    made again), `breakers` and `limiters`, and `close()`.

    A result must be a Scrub of this phone, provider and kind, with a time in UTC. Anything else, a missing phone and an
    error leave the phone unchecked, and its lead is held for retry. ServiceDownError and RefusedError end the job.

    Example:
        >>> from datetime import datetime, timezone
        >>> import leadflow as lf
        >>> class Complaints:
        ...     provider, kind, price = "own_complaints", "complaints", 0.0
        ...     complained = {"+15045550143"}
        ...
        ...     def check(self, phones, stop=None):
        ...         now, found = datetime.now(timezone.utc), {}
        ...         for phone in phones:
        ...             verdict = lf.Verdict.DNC if phone in self.complained else lf.Verdict.CLEAN
        ...             found[phone] = lf.Scrub(phone, self.kind, verdict, self.provider, "own", now)
        ...         return found
        >>> with lf.local.start() as world, lf.Engine(world.settings, checks=[Complaints()]) as engine:
        ...     job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=20)
        ...     [row["what"] for row in job.counts.providers]
        ['lookup', 'litigator', 'dnc', 'complaints']
    """

    provider: str
    kind: str
    price: float

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Mapping[str, Scrub]:
        """Check phones (E.164) and return the results by phone; several threads may call it at once."""
        ...
