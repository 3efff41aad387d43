"""A machine without a proxy and on a disk that stays, whatever the tests run on."""

from __future__ import annotations

import pytest

from leadflow.check import disk


@pytest.fixture(autouse=True)
def _plain_machine(monkeypatch):
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("COLAB_RELEASE_TAG", "DATABRICKS_RUNTIME_VERSION", "KAGGLE_KERNEL_RUN_TYPE", "K_SERVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(disk, "file_system", lambda folder: "ext4")
