"""Google's credentials, and its errors translated into leadflow's."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from leadflow.errors import RefusedError, SettingsError, TransientError
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
UNPROTECT = "the tab or a part of it is protected; unprotect it for the service account, then resume"


class QuotaError(TransientError):
    """The quota refused the call (429), so it was certainly not applied."""


class OutOfGridError(RefusedError):
    """The range is outside the tab's grid, which a person has made smaller since; nothing of it was written."""


def translated(call: Callable[[], T], limiter: Limiter) -> T:
    """Call gspread; raise its errors, and those of the connection, as leadflow's."""
    import google.auth.exceptions
    import gspread
    import requests

    try:
        return call()
    except gspread.exceptions.APIError as error:
        raise _error_of(error.response, limiter) from None
    except requests.RequestException as error:
        raise TransientError(f"Google Sheets: the connection failed ({type(error).__name__})") from None
    except google.auth.exceptions.TransportError as error:
        raise TransientError(f"Google sign-in failed for now ({type(error).__name__})") from None
    except google.auth.exceptions.GoogleAuthError:
        raise RefusedError("Google refused the sign-in; check LEADFLOW_SHEETS__CREDENTIALS_FILE") from None


def checked_json(response: Any) -> Any:
    """Return the response if its body is JSON; an HTML page with status 200 is no answer about the sheet."""
    response.json()
    return response


def _error_of(response: Any, limiter: Limiter) -> Exception:
    status = response.status_code
    wait = retry_after(response.headers.get("Retry-After", ""))
    if wait:
        limiter.slow_down(wait)
    if status == 429:
        if not wait:
            limiter.slow_down()
        return QuotaError("Google Sheets: the quota is used up for now (429)", wait)
    if status >= 500 or status == 408:
        return TransientError(f"Google Sheets answered {status}", wait)
    kind = OutOfGridError if status == 400 and "exceeds grid limits" in response.text else RefusedError
    return kind(f"Google Sheets: {_refusal_of(status, response.text)}")


def _refusal_of(status: int, text: str) -> str:
    """Return what to do about a refusal. Google's own message is not included, since it may quote a cell."""
    if status == 404:
        return "there is no spreadsheet with that id; check LEADFLOW_SHEETS__SPREADSHEET_ID"
    if "protected" in text:
        return UNPROTECT
    if status in (401, 403):
        return "no permission; share the sheet with the service account as an editor, then resume"
    if "above the limit" in text:
        return (
            "the spreadsheet is full (10 million cells); delete empty rows and columns or name another one, then resume"
        )
    return f"the request was refused ({status}); nothing of it was written"


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
    """Load a key file. The error is raised outside the handlers, so that none that quotes the key is attached."""
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
