"""The vendors' clients of the tests, with few attempts and short timeouts."""

from __future__ import annotations

import pytest
from vendor_answers import ANN

import leadflow as lf
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.idicore import Idicore


@pytest.fixture
def check(world):
    """Ask one of the two lists, with two attempts a call."""
    made = []

    def ask(name, numbers, **changed):
        part = getattr(world.settings, name).model_copy(update={"attempts": 2, "timeout_s": 5.0, **changed})
        made.append((LitigatorList if name == "litigator" else DncScrub)(part))
        return made[-1].check([f"+1{n}" for n in numbers])

    yield ask
    for service in made:
        service.close()


@pytest.fixture
def lookup(world):
    with Idicore(world.settings.idicore.model_copy(update={"attempts": 2, "timeout_s": 5.0})) as idicore:
        yield lambda: idicore.lookup(ANN)


@pytest.fixture
def engine(world):
    base = world.settings
    quick = {
        name: getattr(base, name).model_copy(update={"timeout_s": 2.0, "attempts": 2})
        for name in ("idicore", "litigator", "dnc")
    }
    with lf.Engine(base.model_copy(update={"batch_size": 20, **quick})) as engine:
        yield engine
