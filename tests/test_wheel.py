"""The wheel is whole: installed elsewhere, without the checkout, it runs the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_IGNORED = {"__pycache__"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that `python -m build` makes from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, _ROOT, cwd=folder)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel; the libraries are those of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    site_packages = Path(
        _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    )
    libraries = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site_packages / "libraries.pth").write_text("\n".join(libraries), encoding="utf-8")
    return python


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not _IGNORED & set(path.parts)
    }


def test_the_wheel_has_every_file_of_the_package_and_the_samples(wheel):
    wanted = {f"leadflow/{name}" for name in _files(_ROOT / "leadflow")}
    wanted |= {f"leadflow/local/data_samples/{name}" for name in _files(_ROOT / "data_samples")}
    assert "leadflow/py.typed" in wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_runs_the_demo_from_another_folder(python, tmp_path):
    where = Path(_run(python, "-c", "import leadflow; print(leadflow.__file__)", cwd=tmp_path).strip())
    assert where.is_relative_to(python.parent.parent)
    shown = _run(python.with_name("leadflow"), "demo", "--limit-rows", "100", cwd=tmp_path)
    assert "The validation holds." in shown
