"""The READMEs are true: their Python runs, and the files, links, extras and settings that they name exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import leadflow as lf

_ROOT = Path(__file__).parent.parent
_READMES = ["README.md", "leadflow/README.md", "tests/bench/README.md"]
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|sql|csv|md|ipynb|toml))`")

pytestmark = pytest.mark.timeout(900)  # whole jobs and a cluster: fails on a hang, not under load


def _text(readme: str) -> str:
    return (_ROOT / readme).read_text(encoding="utf-8")


def _blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _text(readme), re.DOTALL | re.MULTILINE)


@pytest.fixture
def names(tmp_path, monkeypatch):
    """The variables that blocks share, in a folder that has june_leads.sql."""
    for name in ("june_leads", "a", "b"):
        (tmp_path / f"{name}.sql").write_text("SELECT * FROM RAW_LEADS LIMIT 20", encoding="utf-8")
    (tmp_path / "leads.csv").write_bytes(lf.local.sample("leads.csv").read_bytes()[:20_000].rpartition(b"\n")[0])
    monkeypatch.chdir(tmp_path)
    names = {"lf": lf, "Path": Path}
    yield names
    for name in ("engine", "world"):
        if name in names:
            names[name].close()  # again, if the block has done so


def test_the_readme_can_be_read_in_ten_minutes():
    assert len(_text("README.md").splitlines()) <= 150


@pytest.mark.parametrize("readme", _READMES)
def test_links_and_paths_exist(readme):
    folder = (_ROOT / readme).parent
    links = [link for link in _LINK.findall(_text(readme)) if "://" not in link]
    assert links or readme.startswith("tests")
    missing = [link for link in links if not (folder / link).exists()]
    missing += [path for path in _PATH.findall(_text(readme)) if not any((f / path).exists() for f in (folder, _ROOT))]
    assert not missing


def test_the_settings_in_the_readme_exist():
    names, part = [], ""
    for name in re.findall(r"`(LEADFLOW_[A-Z_]+|__[A-Z_]+)\b", _text("README.md")):
        if name.startswith("LEADFLOW_"):
            part = name.partition("__")[0]
        names.append(name if name.startswith("LEADFLOW_") else part + name)
    assert len(names) > 25
    for name in names:
        part, _, field = name.removeprefix("LEADFLOW_").lower().partition("__")
        assert part in lf.Settings.model_fields, name
        if field:
            assert field in lf.Settings.model_fields[part].annotation.model_fields, name


@pytest.mark.parametrize("readme", _READMES)
def test_the_extras_in_commands_exist(readme):
    extras = tomllib.loads(_text("pyproject.toml"))["project"]["optional-dependencies"]
    named = {name for group in re.findall(r"'\.\[([\w,]+)\]'", _text(readme)) for name in group.split(",")}
    assert named
    assert named <= extras.keys()


@pytest.mark.parametrize("readme", _READMES)
def test_the_files_in_commands_exist(readme):
    commands = "\n".join(_blocks(readme, "sh"))
    assert commands
    for path in re.findall(r"\b(?:tests|data_samples|notebooks|\.ci)/\S+", commands):
        assert (_ROOT / path).exists(), path


@pytest.mark.slow
def test_the_readme_runs(names):
    first_job, daily, after_delivery = _blocks("README.md", "python")
    exec(first_job, names)
    job = names["job"]
    assert job.ok
    candidate = job.review().iloc[0]
    names |= {"person_key": candidate["person_key"], "pid": candidate["pid"]}
    names |= {"job_id": job.id, "job_a": job.id, "job_b": job.id}
    names |= {"frame": pd.DataFrame({"State": ["LA", "NY"], "Phone 1": ["+15045550143", "+12015550101"]})}
    exec(daily, names)
    names["world"].edit_sheet(lambda rows: [[*rows[0], "Disposition"], *[[*row, ""] for row in rows[1:]]])
    exec(after_delivery, names)
    assert Path("june.html").exists()
    assert len(names["engine"].suppressions())


@pytest.mark.slow
def test_the_local_world_by_hand_runs(names):
    (by_hand,) = [block for block in _blocks("leadflow/README.md", "python") if "world.fail" in block]
    exec(by_hand, names)
    assert names["job"].ok


@pytest.mark.slow
def test_the_dask_example_runs(names):
    (example,) = [block for block in _blocks("leadflow/README.md", "python") if "LocalCluster" in block]
    with lf.local.start() as world:
        exec(example, names | {"settings": world.settings})
        assert lf.jobs(script="june_leads", full=True)["status"].tolist() == ["COMPLETED"]
