"""What the files on disk keep, for how long, and who may read them."""

from __future__ import annotations

import pytest
from outcome import SCRIPT

import leadflow as lf


def test_checkpoints_of_completed_jobs_are_pruned_after_the_setting(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        while job.counts.retry:
            job = engine.resume(job.id, progress=False)
        keys = engine.checkpoints.keys(job.id)
        assert engine.checkpoints.answers(keys)
    policy = world.settings.policy.model_copy(update={"keep_checkpoints_days": 0})
    with lf.Engine(world.settings.model_copy(update={"policy": policy})) as engine:
        assert engine.checkpoints.answers(keys) == {}
        assert engine.checkpoints.keys(job.id) == []


def test_an_unfinished_job_is_never_pruned(world):
    policy = world.settings.policy.model_copy(update={"keep_checkpoints_days": 0})
    settings = world.settings.model_copy(update={"policy": policy})
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=60, max_lookups=20, progress=False)
        assert str(job.status) == "STOPPED"
    with lf.Engine(settings) as engine:
        assert engine.resume(job.id, progress=False).counts.bought == 60
    assert all(n == 1 for n in world.stats()["idicore"]["bought"].values())


def test_a_forgotten_person_is_in_no_file_of_the_checkpoints(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        key = next(k for k, a in engine.checkpoints.answers(engine.checkpoints.keys(job.id)).items() if a.phones)
        number = engine.checkpoints.answers([key])[key].phones[0].number
        assert engine.forget(key) > 0
    data = b"".join(p.read_bytes() for p in world.settings.home.glob("checkpoints.sqlite*"))
    assert key.encode() not in data or number.encode() not in data
    assert number.encode() not in data


def test_home_and_files_are_private(world):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=5, progress=False)
    home = world.settings.home
    assert home.stat().st_mode & 0o777 == 0o700
    for file in home.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_plain_http_goes_to_loopback_only(world):
    with pytest.raises(ValueError, match="https"):
        lf.Settings.model_validate(
            {
                **world.settings.model_dump(),
                "idicore": {**world.settings.idicore.model_dump(), "search_url": "http://example.com"},
            }
        )


def test_secrets_are_in_no_repr(world):
    with lf.Engine(world.settings) as engine:
        said = repr(world.settings) + repr(engine.settings.idicore) + str(engine.settings.model_dump())
    for secret in ("local-secret", "local-token", "local-login"):
        assert secret not in said
