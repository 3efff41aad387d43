"""Google's answers to a project or a sign-in that may not use the Sheets API.

Sources: https://cloud.google.com/apis/design/errors#error_info,
https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
"""

from __future__ import annotations

from typing import Any

_SERVICE, _PROJECT = "sheets.googleapis.com", "123456789012"
_CONSOLE = f"https://console.developers.google.com/apis/api/{_SERVICE}/overview?project={_PROJECT}"
_MESSAGES = {
    "SERVICE_DISABLED": (
        f"Google Sheets API has not been used in project {_PROJECT} before or it is disabled. Enable it by visiting "
        f"{_CONSOLE} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to "
        "our systems and retry."
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "Request had insufficient authentication scopes.",
}
REASONS = frozenset(_MESSAGES)
_METADATA = {
    "SERVICE_DISABLED": {
        "activationUrl": _CONSOLE,
        "consumer": f"projects/{_PROJECT}",
        "containerInfo": _PROJECT,
        "service": _SERVICE,
        "serviceTitle": "Google Sheets API",
    },
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": {
        "method": "google.apps.sheets.v4.SpreadsheetsService.GetSpreadsheet",
        "service": _SERVICE,
    },
}


def refused(reason: str) -> dict[str, Any]:
    """Return the body of a 403 with this reason."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": _METADATA[reason],
    }
    message = _MESSAGES[reason]
    shown: list[dict[str, Any]] = [info]
    if reason == "SERVICE_DISABLED":
        link = {"description": "Google developers console API activation", "url": _CONSOLE}
        localized = {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message}
        shown += [localized, {"@type": "type.googleapis.com/google.rpc.Help", "links": [link]}]
    return {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": shown}}
