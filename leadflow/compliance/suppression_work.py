"""What every new entry of the do-not-call list asks for: rows out of every sheet, and DNCScrub told.

Each sheet that a job of this home delivered to, and DNCScrub's list of the project, is a target. A target is done up to
an entry. What cannot be done now is said in words, and stays open until `complete` has done it: the next job of this
home calls it, and so does engine.complete_suppressions().
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leadflow.compliance.sheet_sweep import ShownRow, record_withdrawals, sweep
from leadflow.compliance.suppression_list import store
from leadflow.errors import LeadflowError
from leadflow.events import Emit, no_emit
from leadflow.services.dncscrub import InternalList
from leadflow.services.sheets import ExistingSheet

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.checkpoints.suppressions import Entry
    from leadflow.history import History
    from leadflow.services.warehouse import Warehouse
    from leadflow.settings import Settings

_SHEET, _DNCSCRUB, _TABLE = "sheet ", "DNCScrub project ", "SUPPRESSIONS"
_GONE = 2**62  # a sheet that is gone for good is done with every entry, also later ones


@dataclass
class Done:
    """What was done, and what is still open: sentences that say why and what to do, by target.

    `withdrawn` maps the seq of an entry to the number of leads whose rows were taken out because of it now.
    `confirmed` has the phones that DNCScrub says are on its list, None if it was not asked.
    """

    open: dict[str, str] = field(default_factory=dict[str, str])
    withdrawn: dict[int, int] = field(default_factory=dict[int, int])
    confirmed: set[str] | None = None
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Work:
    """The stores and systems that the work on the list needs. `busy` are jobs that run now and sweep for themselves."""

    settings: Settings
    checkpoints: Checkpoints
    history: History
    warehouse: Warehouse
    busy: Collection[str] = ()
    emit: Emit = no_emit

    def complete(self) -> Done:
        """Do all that is open, as far as it can be done now; nothing that fails stops the rest."""
        done = Done()
        self._store(done)
        last, targets = self.checkpoints.last_suppression(), self.checkpoints.suppression_targets()
        unproven = self._unproven()
        for target in self._sheets(unproven.values()):
            known = targets.get(target)
            is_done = known is not None and known.seq >= last and not known.obstacle
            if not is_done or target in unproven.values() or self.checkpoints.withdrawals(target):
                self._try(done, target, lambda target=target: self._sweep(done, target, last, unproven))
        self._tell_dncscrub(done, last)
        self._close(done)
        return done

    def give_up(self, sheets: Iterable[str]) -> list[str]:
        """Record that spreadsheets (ids) are gone for good: nobody can call from them. Return the targets."""
        ids = set(sheets)
        found = [target for target in self._sheets(()) if sheet_of(target)[0] in ids]
        for target in found:
            self.checkpoints.record_target(target, _GONE)
        return found

    def _store(self, done: Done) -> None:
        try:
            store(self.warehouse, self.checkpoints)
        except LeadflowError as error:
            table = self.settings.warehouse.suppressions
            done.open[_TABLE] = (
                f"not written to {table} yet, so jobs on other machines do not know it: {error}. "
                "engine.complete_suppressions(), or the next job here, writes it"
            )

    def _unproven(self) -> dict[str, str]:
        """Return the jobs that ended without a look at the list after their last append, with their sheets."""
        return {job: target for job, target in self.checkpoints.unproven_appends() if job not in self.busy}

    def _sheets(self, unproven: Iterable[str]) -> list[str]:
        """Return the sheets to look at: those that jobs of this home delivered to, and that of the settings."""
        found = [sheet_target(*sheet) for sheet in self.history.delivered_sheets()]
        return list(dict.fromkeys([*found, *unproven]))

    def _try(self, done: Done, target: str, work: object) -> None:
        """Run the work of one target; if it fails, say so and leave it open."""
        assert callable(work)
        try:
            work()
        except LeadflowError as error:
            done.open[target] = (
                f"{target} is not done: {error}. engine.complete_suppressions(), or the next job here, does it. If that "
                "sheet is gone for good: engine.complete_suppressions(gone=['its id'])"
                if target.startswith(_SHEET)
                else f"{target} is not done: {error}. engine.complete_suppressions(), or the next job here, does it"
            )
            self.checkpoints.record_target(target, None, type(error).__name__)

    def _sweep(self, done: Done, target: str, last: int, unproven: dict[str, str]) -> None:
        spreadsheet_id, worksheet = sheet_of(target)
        place = {"spreadsheet_id": spreadsheet_id, "worksheet": worksheet}
        sheet = ExistingSheet(
            self.settings.sheets.model_copy(update=place), locks=self.settings.home.expanduser()
        )
        rows = sweep(sheet, target, self._suppressed(), self.settings, self.checkpoints, self.emit)
        self.count(done, rows)
        record_withdrawals(self.warehouse, self.checkpoints, target)
        self.checkpoints.record_target(target, last)
        for job in [job for job, of_job in unproven.items() if of_job == target]:
            self.checkpoints.prove_appends(job, target)

    def _suppressed(self) -> object:
        return self.checkpoints.suppressed(self.settings.compliance.scope)

    def count(self, done: Done, rows: dict[str, ShownRow]) -> None:
        """Count the withdrawn leads for the entries because of which they went."""
        if not rows:
            return
        by_phone: dict[str, int] = {}
        by_key: dict[str, int] = {}
        for entry in self.checkpoints.suppression_entries():
            by_phone.setdefault(entry.suppression.phone, entry.seq)
            by_key.setdefault(entry.suppression.lead_key, entry.seq)
        counts: dict[int, int] = {}
        for key, row in rows.items():
            seqs = [by_key.get(key), *(by_phone.get(phone) for phone in row.phones)]
            if found := [seq for seq in seqs if seq is not None]:
                counts[min(found)] = counts.get(min(found), 0) + 1
        self.checkpoints.count_withdrawn(counts)
        for seq, leads in counts.items():
            done.withdrawn[seq] = done.withdrawn.get(seq, 0) + leads

    def _tell_dncscrub(self, done: Done, last: int) -> None:
        dnc = self.settings.dnc
        if dnc.provider != "dncscrub":
            return
        if not dnc.proj_id:
            done.notes.append(
                "DNCScrub was not told: LEADFLOW_DNC__PROJ_ID is not set, so there is no list of a project to add to"
            )
            return
        target = f"{_DNCSCRUB}{dnc.proj_id}"
        known = self.checkpoints.suppression_targets().get(target)
        entries = self.checkpoints.suppression_entries()
        fresh = [entry for entry in entries if known is None or known.obstacle or entry.seq > known.seq]
        phones = sorted({e.suppression.phone for e in fresh if e.suppression.phone and self._obeyed(e)})
        self._try(done, target, lambda: self._push(done, target, phones, last))

    def _obeyed(self, entry: Entry) -> bool:
        from leadflow.leads.suppressions import today

        return entry.suppression.holds(today(), self.settings.compliance.scope)

    def _push(self, done: Done, target: str, phones: list[str], last: int) -> None:
        if phones:
            internal = InternalList(self.settings.dnc)
            try:
                internal.add(phones)
                done.confirmed = internal.listed(phones)
            finally:
                internal.close()
            if missing := len(phones) - len(done.confirmed):
                done.notes.append(
                    f"DNCScrub accepted {len(phones)} numbers for project {self.settings.dnc.proj_id} and did not "
                    f"confirm {missing} of them; look at the project's internal list there"
                )
        self.checkpoints.record_target(target, last)

    def _close(self, done: Done) -> None:
        """Close the entries that every target has learnt of."""
        targets, sheets = self.checkpoints.suppression_targets(), self._sheets(())
        wanted = [*sheets, *([f"{_DNCSCRUB}{self.settings.dnc.proj_id}"] if _is_told(self.settings) else [])]
        reached = [targets[name].seq if name in targets else 0 for name in wanted]
        self.checkpoints.close_suppressions(min([*reached, self.checkpoints.last_suppression()]))


def _is_told(settings: Settings) -> bool:
    return settings.dnc.provider == "dncscrub" and bool(settings.dnc.proj_id)


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
