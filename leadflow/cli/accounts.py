"""The commands for accounts and duties: check, rescrub, suppress."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

import leadflow as lf
from leadflow.cli import options
from leadflow.cli.terminal import columns, say, say_json

if TYPE_CHECKING:
    from leadflow.check import CheckResult
    from leadflow.engine import RescrubEstimate

# From this width on a finding has room beside the names.
_WIDE = 100


@click.command()
@options.json_option
def check(as_json: bool) -> int:
    """Check every account, right and limit.

    Buys and writes nothing. Exit status: 0 if nothing failed, else 1.
    """
    with lf.Engine() as engine:
        result = engine.check()
    if as_json:
        say_json([asdict(row) for row in result.rows])
    else:
        _say_check(result)
    return 0 if result.ok else 1


def _say_check(result: CheckResult) -> None:
    from leadflow.check.render import headline, to_text

    width = columns(sys.stdout)
    if width is None or width >= _WIDE:
        click.echo(to_text(result.rows, width or 10_000))
        return
    for row in result.rows:
        todo = f"\n  -> {row.what_to_do}" if row.what_to_do else ""
        say(f"{row.status}: {row.what}\n  {row.found}{todo}")
    say(f"\n{headline(result.rows)}")


@click.command()
@click.option("--older-than-days", type=float, help="The age of the checks, 0 for all rows; by default the setting.")
@click.option("--dry-run", is_flag=True, help="Say what would be checked; check and change nothing.")
@click.option("--max-cost", type=options.Dollars(), help="The most dollars for the checks.")
@options.json_option
def rescrub(older_than_days: float | None, dry_run: bool, max_cost: float | None, as_json: bool) -> int:
    """Check the phones of delivered rows again.

    Rows whose phones may still be called are renewed, the others are withdrawn.

    It buys no lookup, so it does not ask: run it from cron every night. Exit status: 0 done, 1 failed, 3 stopped.
    """
    from leadflow.cli.spend import followed

    with lf.Engine() as engine:
        if not dry_run:
            start = engine.submit_rescrub
            return followed(engine, lambda heard: start(older_than_days, max_cost=max_cost, listeners=heard), as_json)
        found = engine.rescrub(older_than_days, dry_run=True)
    if as_json:
        say_json(asdict(found))
    else:
        say(_described(found))
    return 0


def _described(found: RescrubEstimate) -> str:
    """Return what a re-scrub would do, in three lines."""
    calls = f"{found.litigator_calls} litigator and {found.dnc_calls} do-not-call requests"
    return (
        f"{found.due:,} of {found.leads:,} leads would be checked again: {found.phones:,} phones, {calls}\n"
        f"expected cost of the checks: {found.cost:,.2f} dollars\n"
        f"{found.expired:,} of these leads may not be called any more now; {found.unreadable:,} show no readable "
        "phone and would be withdrawn"
    )


@click.command()
@click.argument("phones", nargs=-1, metavar="[PHONE | -]...")
@click.option("--person-key", multiple=True, metavar="KEY", help="The key of a lead; may be repeated.")
@click.option("--reason", required=True, help="Why, as in 'asked on the phone'.")
@click.option("--by", help="Who took the request; by default the user of this machine.")
@click.option("--scope", default="all", show_default=True, help="A campaign.")
@click.option("--expires", help="A date at least ten years ahead; by default never.")
@options.json_option
def suppress(
    phones: tuple[str, ...],
    person_key: tuple[str, ...],
    reason: str,
    by: str | None,
    scope: str,
    expires: str | None,
    as_json: bool,
) -> int:
    """Record who may not be called.

    Phones and people go on the house's own do-not-call list, and their rows out of every sheet, now. - reads phones
    from stdin, one a line: on the command line others may read them in the list of processes and in the shell's
    history. Exit status: 0 if nothing is left to do, else 1.
    """
    given = [phone for phone in phones if phone != "-"]
    if "-" in phones:
        given += [line.strip() for line in sys.stdin if line.strip()]
    with lf.Engine() as engine:
        result = engine.suppress(
            given or None, person_key=list(person_key) or None, reason=reason, by=by, scope=scope, expires=expires
        )
    if as_json:
        rows = [{name: value for name, value in row.items() if name != "phone"} for row in result.rows]
        say_json(
            {"ok": result.ok, "withdrawn": result.withdrawn, "open": result.open, "notes": result.notes, "rows": rows}
        )
    else:
        say(repr(result))
    return 0 if result.ok else 1
