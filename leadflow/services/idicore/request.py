"""The request of an idiCORE search: its body, and an HTTP request that is cheap to build."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import httpx

from leadflow.leads.matching import searched_name
from leadflow.leads.people import Person

# Writes JSON as httpx does. json.dumps would make one for each request.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def search_body(
    person: Person, fields: Sequence[str], parameters: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the body of the search for one person; `fields` lists the fields to return.

    `parameters` are more members of the body, the same for every person.
    """
    first, last = searched_name(person.first_name, person.last_name)
    return {
        **parameters,
        "firstName": first,
        "lastName": last,
        "address": person.address,
        "city": person.city,
        "state": person.state,
        "zip": person.zip,
        "referenceId": person.person_key,
        "fields": list(fields),
    }


def json_request(client: httpx.Client, url: httpx.URL, body: Any, headers: Mapping[str, str]) -> httpx.Request:
    """Build the request that client.post(url, json=body, headers=headers) sends.

    The client would merge URLs, cookies and parameters into each request, which takes a tenth of a call's CPU time.
    """
    content = _ENCODER.encode(body).encode()
    all_headers = [
        (b"Host", url.netloc),
        *client.headers.raw,
        (b"Content-Length", str(len(content)).encode()),
        (b"Content-Type", b"application/json"),
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]
    timeout = {"timeout": client.timeout.as_dict()}
    return httpx.Request("POST", url, headers=all_headers, stream=httpx.ByteStream(content), extensions=timeout)
