"""What every new entry of the do-not-call list asks for: rows out of every sheet, and DNCScrub told.

Each sheet that a job of this home delivered to, the sheet of the settings, and DNCScrub's list of the project are
targets. A target is done up to an entry. What cannot be done now is said in words, and stays open until `complete` has
done it: the next job of this home calls it, and so does engine.complete_suppressions().
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leadflow.compliance.sheet_sweep import ShownRow, record_withdrawals, sweep
from leadflow.compliance.suppression_list import store
from leadflow.errors import LeadflowError
from leadflow.events import Emit, no_emit
from leadflow.leads.suppressions import today
from leadflow.services.dncscrub import InternalList
from leadflow.services.sheets import ExistingSheet, NoTabError

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.history import History
    from leadflow.services.warehouse import Warehouse
    from leadflow.settings import Settings

_SHEET, _DNCSCRUB, TABLE = "sheet ", "DNCScrub project ", "SUPPRESSIONS"
_LATER = "engine.complete_suppressions(), or the next job here, does it"
_GONE = 2**62  # a sheet that is gone for good is done with every entry, also with later ones


@dataclass
class Done:
    """What was done now, and what is still open: sentences that say why and what to do, by target.

    `withdrawn` maps the seq of an entry to the number of leads whose rows were taken out because of it. `confirmed` has
    the phones that DNCScrub says are on its list, and `told` those that were sent to it.
    """

    open: dict[str, str] = field(default_factory=dict[str, str])
    withdrawn: dict[int, int] = field(default_factory=dict[int, int])
    told: set[str] = field(default_factory=set[str])
    confirmed: set[str] = field(default_factory=set[str])
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Work:
    """The stores and systems that the work on the list needs.

    `live` returns which of some jobs run now: each of them looks at its sheet itself, after its last append.
    """

    settings: Settings
    checkpoints: Checkpoints
    history: History
    warehouse: Warehouse
    live: Callable[[list[str]], Collection[str]] = list
    emit: Emit = no_emit

    def complete(self, read: Callable[..., object] = store) -> Done:
        """Do all that is open, as far as it can be done now; nothing that fails stops the rest.

        `read` is store, or refresh, which also reads the requests of other machines.
        """
        done = Done()
        self._store(done, read)
        last, targets = self.checkpoints.last_suppression(), self.checkpoints.suppression_targets()
        unproven = self._unproven()
        for target in dict.fromkeys([*self._sheets(), *unproven.values()]):
            is_done = target in targets and targets[target].seq >= last
            if not is_done or target in unproven.values() or self.checkpoints.withdrawals(target):
                jobs = [job for job, of_job in unproven.items() if of_job == target]
                self._try(done, target, lambda target=target, jobs=jobs: self.sweep(done, target, last, jobs))
        self._tell_dncscrub(done, last)
        self._close()
        return done

    def give_up(self, spreadsheets: Iterable[str]) -> list[str]:
        """Record that spreadsheets (ids) are gone for good: nobody can call from them. Return their targets."""
        ids = set(spreadsheets)
        found = [target for target in self._sheets() if sheet_of(target)[0] in ids]
        for target in found:
            self.checkpoints.record_target(target, _GONE)
            self.checkpoints.withdrawals_recorded(self.checkpoints.withdrawals(target))
        return found

    def _store(self, done: Done, read: Callable[..., object]) -> None:
        try:
            read(self.warehouse, self.checkpoints)
        except LeadflowError as error:
            table, waiting = self.settings.warehouse.suppressions, self.checkpoints.suppression_entries(in_table=False)
            done.open[TABLE] = (
                f"{len(waiting)} requests are not in {table} yet, so that other machines do not know them: {error}. "
                f"{_LATER}"
            )

    def _unproven(self) -> dict[str, str]:
        """Return the jobs, with their sheets, that broke off without a look at the list after their last append."""
        found = dict(self.checkpoints.unproven_appends())
        running = set(self.live(list(found))) if found else set[str]()
        return {job: target for job, target in found.items() if job not in running}

    def _sheets(self) -> list[str]:
        """Return the sheets that may show suppressed phones."""
        own = self.settings.sheets.spreadsheet_id, self.settings.sheets.worksheet
        return [sheet_target(*sheet) for sheet in dict.fromkeys([*self.history.delivered_sheets(), own])]

    def _try(self, done: Done, target: str, work: Callable[[], object]) -> None:
        """Do the work of one target; if it fails, say so and leave it open."""
        try:
            work()
        except LeadflowError as error:
            gone = (
                ". If that sheet is gone for good: engine.complete_suppressions(gone=['its id'])"
                if target.startswith(_SHEET)
                else ""
            )
            done.open[target] = f"{target} is not done: {error}. {_LATER}{gone}"
            self.checkpoints.record_target(target, None, type(error).__name__)

    def sweep(self, done: Done, target: str, last: int, jobs: Iterable[str]) -> None:
        """Take suppressed rows out of one sheet, and record them; the list was read after the last append of `jobs`.

        The sheet knows all entries up to `last` afterwards. Raises RefusedError, DeliveryError, TransientError.
        """
        spreadsheet_id, worksheet = sheet_of(target)
        place = {"spreadsheet_id": spreadsheet_id, "worksheet": worksheet}
        locks = self.settings.home.expanduser()
        suppressed = self.checkpoints.suppressed(self.settings.compliance.scope)
        if suppressed:
            sheet = ExistingSheet(self.settings.sheets.model_copy(update=place), locks=locks)
            try:
                rows = sweep(sheet, target, suppressed, self.settings, self.checkpoints, self.emit)
            except NoTabError:
                if (spreadsheet_id, worksheet) in self.history.delivered_sheets() or jobs:
                    raise
                rows = {}  # no job of this home has delivered there yet
            self._count(done, target, rows)
        self.checkpoints.record_target(target, last)
        if TABLE not in done.open:
            record_withdrawals(self.warehouse, self.checkpoints, target)
        elif self.checkpoints.withdrawals(target):
            done.open[f"records of {target}"] = f"rows were taken out of {target} and are not recorded yet. {_LATER}"
        for job in jobs:
            self.checkpoints.prove_appends(job, target)

    def _count(self, done: Done, target: str, rows: dict[str, ShownRow]) -> None:
        """Count the withdrawn leads for the entries because of which they went."""
        if theirs := rows.pop("", None):
            done.notes.append(
                f"{target} has rows without a lead key that show {len(theirs.phones)} suppressed phones; people added "
                "them, so leadflow leaves them there: delete them"
            )
        entries = self.checkpoints.suppression_entries() if rows else []
        by_subject = {name: e.seq for e in reversed(entries) for name in e.suppression.subject[:2] if name}
        counts: dict[int, int] = {}
        for key, row in rows.items():
            if found := [by_subject[name] for name in (key, *row.phones) if name in by_subject]:
                counts[min(found)] = counts.get(min(found), 0) + 1
        self.checkpoints.count_withdrawn(counts)
        for seq, leads in counts.items():
            done.withdrawn[seq] = done.withdrawn.get(seq, 0) + leads

    def _tell_dncscrub(self, done: Done, last: int) -> None:
        """Put new suppressed phones on the internal list of the project, if there is one."""
        target = dncscrub_target(self.settings)
        if not target:
            if self.settings.dnc.provider == "dncscrub" and last:
                done.notes.append("DNCScrub was not told: set LEADFLOW_DNC__PROJ_ID to the project whose list to keep")
            return
        known = self.checkpoints.suppression_targets().get(target)
        scope, day, seq = self.settings.compliance.scope, today(), known.seq if known else 0
        entries = [entry for entry in self.checkpoints.suppression_entries() if entry.seq > seq]
        done.told = {e.suppression.phone for e in entries if e.suppression.phone and e.suppression.holds(day, scope)}
        self._try(done, target, lambda: self._push(done, target, last))

    def _push(self, done: Done, target: str, last: int) -> None:
        if done.told:
            internal = InternalList(self.settings.dnc)
            try:
                internal.add(sorted(done.told))
                done.confirmed = internal.listed(sorted(done.told))
            finally:
                internal.close()
            if missing := len(done.told) - len(done.confirmed):
                done.notes.append(
                    f"DNCScrub accepted {len(done.told)} numbers for project {self.settings.dnc.proj_id} and did not "
                    f"confirm {missing} of them: look at the project's internal list there"
                )
        self.checkpoints.record_target(target, last)

    def _close(self) -> None:
        """Close the entries that every target has learnt of."""
        targets = self.checkpoints.suppression_targets()
        wanted = [*self._sheets(), *filter(None, [dncscrub_target(self.settings)])]
        reached = [targets[name].seq if name in targets else 0 for name in wanted]
        self.checkpoints.close_suppressions(min([*reached, self.checkpoints.last_suppression()]))


def dncscrub_target(settings: Settings) -> str:
    """Return the name of DNCScrub's list as a target, "" if there is none to keep."""
    dnc = settings.dnc
    return f"{_DNCSCRUB}{dnc.proj_id}" if dnc.provider == "dncscrub" and dnc.proj_id else ""


def sheet_target(spreadsheet_id: str, worksheet: str) -> str:
    """Return the name of a sheet as a target.

    >>> sheet_of(sheet_target("1AbC", "leads / june"))
    ('1AbC', 'leads / june')
    """
    return f"{_SHEET}{spreadsheet_id}/{worksheet}"


def sheet_of(target: str) -> tuple[str, str]:
    """Return the spreadsheet's id and the tab of a target."""
    spreadsheet_id, _, worksheet = target.removeprefix(_SHEET).partition("/")
    return spreadsheet_id, worksheet
