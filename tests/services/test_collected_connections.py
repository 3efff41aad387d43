"""A connection that the garbage collector finds is closed long before, and takes nothing with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import _connections

pytestmark = pytest.mark.connector

# The collector finds the connection while Python copies the context without a variable. If the connection then sets a
# context variable, Python goes on with what it has freed, and crashes or not, as the hashes of the variables are.
_SCRIPT = """
import contextvars, gc, json, sys
from leadflow.services.warehouse import Warehouse
from leadflow.settings import WarehouseSettings

settings = WarehouseSettings(**json.loads(sys.stdin.read()))

def collect_during_a_reset():
    variables = [contextvars.ContextVar(f"v{n}") for n in range(10)]
    with Warehouse(settings) as warehouse:
        warehouse.connect()
        ring = [warehouse._connection]
    gc.disable()
    tokens = [one.set(1) for one in variables]
    ring.append(ring)
    del ring, warehouse
    last, token = variables[-1], tokens[-1]
    gc.set_threshold(1, 1, 1)
    gc.enable()
    last.reset(token)
    gc.set_threshold(700, 10, 10)

for _ in range(40):
    contextvars.Context().run(collect_during_a_reset)
print("alive")
"""


def test_a_closed_connection_that_is_collected_crashes_nothing(world):
    settings = world.settings.warehouse.model_dump(mode="json", exclude_unset=True)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONMALLOC": "debug"},  # freed memory is overwritten at once
    )
    assert (done.returncode, done.stdout.split()) == (0, ["alive"]), done.stderr[-2000:]


def test_an_open_connection_is_kept_until_it_is_closed(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        mine = warehouse._connection
        assert mine in _connections
    with Warehouse(world.settings.warehouse) as another:
        another.connect()
        assert mine not in _connections


def test_many_sign_in_at_once(world):
    """Each sign-in looks through the connections that are open, while the others add theirs."""
    together = threading.Barrier(8)

    def sign_in_often(_):
        together.wait(60)
        with ExitStack() as still_open:
            for _ in range(6):
                still_open.enter_context(Warehouse(world.settings.warehouse)).connect()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sign_in_often, range(8)))
