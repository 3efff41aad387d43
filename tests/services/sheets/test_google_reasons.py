"""Three reasons for a 403 of Google have three sentences, each with what to do, before money is spent."""

from __future__ import annotations

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.errors import JobFailedError, RefusedError
from leadflow.services.sheets import Sheet
from leadflow.services.sheets.google import _reason_of

_DISABLED = r"Google Sheets API is disabled.*enable it"
_SCOPE = r"lacks the scope for spreadsheets.*gcloud auth application-default login --scopes="
_NOT_SHARED = r"share the sheet with the service account as an editor"


@pytest.fixture
def refused(world):
    def refuse(reason):
        if reason == "not shared":
            world.share_sheet("none")
        else:
            world.configure(sheets_refusal=reason)

    yield refuse
    world.configure(sheets_refusal=None)


@pytest.mark.parametrize(
    ("reason", "said"),
    [("SERVICE_DISABLED", _DISABLED), ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", _SCOPE), ("not shared", _NOT_SHARED)],
)
def test_each_reason_has_its_sentence(world, refused, reason, said):
    refused(reason)
    with pytest.raises(RefusedError, match=said) as caught:
        Sheet(world.settings.sheets).connect(prove=True)
    others = {_DISABLED, _SCOPE, _NOT_SHARED} - {said}
    assert not any(other.split(".*")[0] in str(caught.value) for other in others)
    with lf.Engine(world.settings) as engine, pytest.raises(JobFailedError, match=said):
        engine.run(SCRIPT, limit_rows=20, progress=False)
    assert world.stats()["idicore"]["calls"] == 0


def test_a_wrong_id_is_still_said(world):
    wrong = world.settings.sheets.model_copy(update={"spreadsheet_id": "no-such-sheet"})
    with pytest.raises(RefusedError, match="SPREADSHEET_ID"):
        Sheet(wrong).connect()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"error": null}',
        '{"error": {}}',
        '{"error": {"details": null}}',
        '{"error": {"details": ["x"]}}',
        '{"error": {"details": [{"domain": "googleapis.com"}]}}',
        '{"error": {"details": [{"domain": "other.com", "reason": "SERVICE_DISABLED"}]}}',
    ],
)
def test_an_error_without_a_reason_has_none(text):
    assert _reason_of(text) == ""


def test_the_reason_is_found_among_other_details():
    text = '{"error": {"details": [{"@type": "Help"}, {"domain": "googleapis.com", "reason": "SERVICE_DISABLED"}]}}'
    assert _reason_of(text) == "SERVICE_DISABLED"
