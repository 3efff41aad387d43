"""A complete set of settings, and what the tests of settings share."""

from __future__ import annotations

import pytest

import leadflow as lf
from leadflow.errors import LeadflowError

BASE = {
    "warehouse": {"account": "acme", "user": "ann", "token": "warehouse-word"},
    "idicore": {"client_id": "client", "client_secret": "idicore-word", "glba": "otheruse", "dppa": "none"},
    "litigator": {"login_id": "litigator-word"},
    "dnc": {"login_id": "dnc-word"},
    "sheets": {"spreadsheet_id": "sheet"},
}


SECRETS = ("warehouse-word", "idicore-word", "litigator-word", "dnc-word", "key-word")


def refusal_of(make) -> str:
    with pytest.raises(LeadflowError) as caught:
        make()
    said = str(caught.value)
    assert "\n" not in said
    assert not [word for word in SECRETS if word in said]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return said


def settings_with(monkeypatch, **names):
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return lf.Settings(**BASE)
