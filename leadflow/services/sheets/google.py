"""Google's credentials, and its errors translated into leadflow's."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from leadflow.errors import RefusedError, SettingsError, TransientError
from leadflow.services.transport.busy import BusyError
from leadflow.services.transport.http import retry_after
from leadflow.services.transport.limits import Limiter
from leadflow.settings import SheetsSettings
from leadflow.settings.textfile import read_text

T = TypeVar("T")
_MEMBERS = ("client_email", "token_uri", "private_key")
_OTHER_KINDS = {
    "installed": "an OAuth client's secret",
    "web": "an OAuth client's secret",
    "authorized_user": "a user's sign-in (authorized_user)",
    "external_account": "a workload identity configuration",
}
_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
_ENABLE = (
    "the Google Sheets API is disabled in the Google Cloud project of the credentials; enable it (in "
    "console.cloud.google.com: APIs & Services > Library > Google Sheets API), wait a few minutes, then resume"
)
_SCOPE = (
    "the sign-in lacks the scope for spreadsheets; use a service account's key, or sign in again with gcloud auth "
    f"application-default login --scopes={_SCOPES[0]},https://www.googleapis.com/auth/cloud-platform, then resume"
)
# Source: https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
_REASONS = {"SERVICE_DISABLED": _ENABLE, "API_DISABLED": _ENABLE, "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _SCOPE}
UNPROTECT = "the tab or a part of it is protected; unprotect it for the service account, then resume"


class QuotaError(BusyError):
    """The quota refused the call (429), so it was certainly not applied."""


class OutOfGridError(RefusedError):
    """The range is outside the tab's grid, since a person has made the grid smaller; nothing was written."""


def translated(call: Callable[[], T], limiter: Limiter, started: float) -> T:
    """Call gspread; convert its errors, and those of the connection, to leadflow's."""
    import google.auth.exceptions
    import gspread
    import requests

    try:
        return call()
    except gspread.exceptions.APIError as error:
        raise _error_of(error.response, limiter, started) from None
    except requests.RequestException as error:
        raise TransientError(f"Google Sheets: the connection failed ({type(error).__name__})") from None
    except google.auth.exceptions.TransportError as error:
        raise TransientError(f"Google sign-in failed for now ({type(error).__name__})") from None
    except google.auth.exceptions.GoogleAuthError:
        raise RefusedError("Google refused the sign-in; check LEADFLOW_SHEETS__CREDENTIALS_FILE") from None


def checked_json(response: Any) -> Any:
    """Return the response if its body is JSON; raise for an HTML page with status 200."""
    response.json()
    return response


def _error_of(response: Any, limiter: Limiter, started: float) -> Exception:
    status = response.status_code
    wait = retry_after(response.headers.get("Retry-After", ""))
    if status == 429 or (status == 503 and wait is not None):
        limiter.slow_down(wait, started)
        kind = QuotaError if status == 429 else BusyError
        return kind(f"Google Sheets is busy ({status})", wait)
    if status >= 500 or status == 408:
        if wait:
            limiter.hold(wait)
        return TransientError(f"Google Sheets answered {status}", wait)
    kind = OutOfGridError if status == 400 and "exceeds grid limits" in response.text else RefusedError
    return kind(f"Google Sheets: {_refusal_of(status, response.text)}")


def _refusal_of(status: int, text: str) -> str:
    """Return what to do about a refusal. Google's own message is not included, since it may quote a cell."""
    if status == 404:
        return "there is no spreadsheet with that id; check LEADFLOW_SHEETS__SPREADSHEET_ID"
    if status in (401, 403) and (said := _REASONS.get(_reason_of(text))):
        return said
    if "protected" in text:
        return UNPROTECT
    if status == 401:
        return "the sign-in is not accepted; check LEADFLOW_SHEETS__CREDENTIALS_FILE, then resume"
    if status == 403:
        return "no permission; share the sheet with the service account as an editor, then resume"
    if "above the limit" in text:
        return (
            "the spreadsheet is full (10 million cells); delete empty rows and columns or name another one, then resume"
        )
    return f"the request was refused ({status}); nothing of it was written"


def _reason_of(text: str) -> str:
    """Return the reason of an error's ErrorInfo, "" without one.

    Source: https://cloud.google.com/apis/design/errors#error_info
    """
    try:
        details = json.loads(text)["error"]["details"]
        return next((str(detail["reason"]) for detail in details if detail.get("domain") == "googleapis.com"), "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def credentials(settings: SheetsSettings) -> Any:
    """Return a service account's credentials, else Google's default ones; anonymous ones for a sheet on loopback.

    Raises RefusedError, in one line and without quoting the file, if they cannot be used.
    """
    if settings.credentials_file:
        return _service_account(Path(settings.credentials_file).expanduser())
    if not settings.base_url.startswith("https://"):
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()
    return _default_credentials()


def _default_credentials() -> Any:
    import google.auth
    import google.auth.exceptions

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*quota project.*")
        try:
            return google.auth.default(scopes=list(_SCOPES))[0]
        except (google.auth.exceptions.GoogleAuthError, ValueError, OSError):
            pass
    raise RefusedError(
        "there are no Google credentials: set LEADFLOW_SHEETS__CREDENTIALS_FILE to a service account's key file, or "
        "GOOGLE_APPLICATION_CREDENTIALS, or run gcloud auth application-default login"
    )


def _service_account(path: Path) -> Any:
    """Load a key file. The error is raised outside the handlers, so that no error that quotes the key is attached."""
    import google.auth.exceptions
    from google.oauth2.service_account import Credentials

    info = _key_file(path)
    try:
        return Credentials.from_service_account_info(info, scopes=list(_SCOPES))
    except (google.auth.exceptions.GoogleAuthError, ValueError, TypeError, AttributeError):
        pass
    raise _unusable(path, "its private_key is not a private key in PEM format")


def _key_file(path: Path) -> dict[str, str]:
    """Return the members of a service account's key file.

    Source: https://cloud.google.com/iam/docs/keys-create-delete
    """
    if not path.is_file():
        raise RefusedError(f"there is no Google credentials file at {path}")
    try:
        info = json.loads(read_text(path)[0])
    except SettingsError as error:
        raise RefusedError(f"the Google credentials file cannot be used: {error}") from None
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise _unusable(path, "it is not a JSON object")
    kind = next((kind for kind in ("installed", "web") if kind in info), info.get("type"))
    if kind != "service_account":
        raise _unusable(
            path, f"it is {_OTHER_KINDS.get(str(kind), 'of another kind')}, not the key of a service account"
        )
    if missing := [name for name in _MEMBERS if not (isinstance(info.get(name), str) and info[name].strip())]:
        raise _unusable(path, f"it has no {', '.join(missing)}")
    return info


def _unusable(path: Path, why: str) -> RefusedError:
    return RefusedError(
        f"the Google credentials file {path} cannot be used: {why}; download the service account's JSON key again"
    )
