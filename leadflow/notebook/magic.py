"""The cell magic %%leads: the text of the cell is the SQL of a job, its first line the options."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from leadflow.engine import Engine
from leadflow.engine.base import engines
from leadflow.errors import InputError, Stopped
from leadflow.notebook.live import EventLog, Pace, Snapshot, to_html
from leadflow.run.consent import WHAT_TO_ADD, has_limit, read_params
from leadflow.run.progress import in_notebook, stop_for, wait_for

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from leadflow.engine import Estimate
    from leadflow.job import Job, JobHandle

_EVERY_S = 0.5
# A value that is the name of a variable of the notebook.
_VARIABLE = re.compile(r"\{\s*([^\W\d]\w*)\s*\}")


def register(shell: InteractiveShell) -> None:
    """Register %%leads in a shell."""
    shell.register_magic_function(leads, "cell", "leads")  # pyright: ignore[reportArgumentType] - typed as a method


@magic_arguments()
@argument("--name", help="The job's name.")
@argument("--limit", type=int, help="The most unprocessed leads to take.")
@argument("--max-cost", type=float, help="The most dollars, over all runs of the job.")
@argument("--max-lookups", type=int, help="The most lookups, over all runs of the job.")
@argument("--param", action="append", default=[], metavar="NAME=VALUE", help="A value for $NAME; may be repeated.")
@argument("--estimate", action="store_true", help="Show rows, calls and cost; buy nothing.")
@argument("--yes", action="store_true", help="Run without a limit.")
@argument("--raise-on-stop", action="store_true", help="Fail the cell if the job is stopped, for a schedule.")
@no_var_expand
def leads(line: str, cell: str) -> Job | Estimate | None:
    """Run the SQL of this cell as a job, show it live, and return the job: it is in _ afterwards.

    The SQL runs as it is written: braces and $variables in it mean what they mean to Snowflake. In the first line,
    {name} stands for a variable of the notebook: --limit {limit}, --param since={since}, which keeps its type.

    It uses the notebook's `engine`, or the only engine that is open, or makes one from the settings and names it
    `engine`. Without --limit, --max-cost, --max-lookups, a budget in the settings, or --yes, it shows the estimate and
    buys nothing. To interrupt the cell stops the job; engine.resume goes on.

    Example, in a cell:
        %%leads --name june --limit 500 --max-cost 60 --param state=ME
        SELECT * FROM RAW_LEADS WHERE state = $state
    """
    shell = get_ipython()
    names = shell.user_ns if shell else {}
    wanted = leads.parser.parse_args(_tokens(line, names))  # pyright: ignore[reportFunctionMemberAccess]
    params = _params(wanted.param, names)
    engine = _engine(names)
    budget = {"max_lookups": wanted.max_lookups, "max_cost": wanted.max_cost}
    limited = wanted.yes or has_limit(engine.settings, wanted.limit, *budget.values())
    if wanted.estimate or not limited:
        found = engine.estimate(cell, wanted.limit, params=params, **budget)
        if not wanted.estimate:
            sys.stdout.write(f"{WHAT_TO_ADD}.\n")
        return found
    log = EventLog()
    handle = engine.submit(cell, wanted.name, wanted.limit, params=params, **budget, listeners=(log,))
    return _followed(handle, log, wanted.raise_on_stop)


def _tokens(line: str, names: Mapping[str, Any]) -> list[str]:
    """Return the words of the first line, with the notebook's variables in place of {name}, except in --param."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise InputError("a quote in the line of %%leads does not end; close it") from None
    return [str(_value(word, names)) if _VARIABLE.fullmatch(word) else word for word in words]


def _params(given: list[str], names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(text, names) for name, text in read_params(given).items()}


def _value(text: str, names: Mapping[str, Any]) -> Any:
    """Return the value of the variable of "{name}", any other text as it is. Raises InputError for an unknown one."""
    found = _VARIABLE.fullmatch(text)
    if found is None:
        return text
    if found[1] not in names:
        raise InputError(f"the notebook has no variable {found[1]}, which the line of %%leads names; set it first")
    return names[found[1]]


def _engine(names: dict[str, Any]) -> Engine:
    """Return the engine of the notebook. Raises InputError if it is closed, or if it is unclear which one is meant."""
    named = names.get("engine")
    still_open = [engine for engine in engines if isinstance(engine, Engine)]
    if isinstance(named, Engine):
        if named not in still_open:
            raise InputError("the notebook's `engine` is closed; make one, as in engine = lf.Engine()")
        return named
    if len(still_open) > 1:
        raise InputError(f"{len(still_open)} engines are open; name the one that %%leads shall use `engine`")
    engine = still_open[0] if still_open else Engine()
    names.setdefault("engine", engine)
    return engine


def _followed(handle: JobHandle, log: EventLog, raise_on_stop: bool) -> Job:
    """Show a job to its end and return it. An interrupt stops it."""
    if not in_notebook():
        return wait_for(handle, True, raise_on_stop)
    from IPython.display import HTML, display

    pace = Pace()
    # Updated by its id, in the cell's own thread: every front end shows that, and a saved notebook keeps it.
    shown: Any = display(HTML(_html(handle, log, pace)), display_id=True)
    try:
        while not handle.wait(_EVERY_S):
            shown.update(HTML(_html(handle, log, pace)))
    except BaseException as error:
        stop_for(error, handle)
        raise
    finally:
        shown.update(HTML(_html(handle, log, pace)))
    job = handle.result()
    if raise_on_stop and not job.ok:
        raise Stopped(f"job {job.id} was stopped before its end: {job.message}")
    return job


def _html(handle: JobHandle, log: EventLog, pace: Pace) -> str:
    message = handle.ended_with if handle.wait(0) else ""
    return to_html(Snapshot(handle.id, str(handle.status), handle.progress, message, list(log.lines)), pace)
