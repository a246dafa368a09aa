"""Where calls' recordings can be heard: an address for each, in the web account."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlsplit

import msgspec

COLUMN = "call_record_urls"
NEEDED = ("communication_id", "call_records")  # the fields that addresses are made of
APPS = {
    "dataapi.comagic.ru": "app.comagic.ru",
    "dataapi.uiscom.ru": "app.uiscom.ru",
    "dataapi.callgear.com": "app.callgear.com",
    "dataapi.callgear.ae": "app.callgear.ae",
    "dataapi-jsonrpc.novofon.ru": "app.novofon.ru",
}
"""The web account's host, by the API's."""
PLAIN = re.compile(rb'"?([A-Za-z0-9._~-]+)"?')
NULL = msgspec.Raw(b"null")
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def web_account(api: str, host: str | None) -> str | None:
    """Return the web account's address, by its host or the API's address; `None`: not known."""
    host = host or APPS.get(urlsplit(api).hostname or "")
    return host and (host if "://" in host else f"https://{host}")


def addresses(web: str, communication: msgspec.Raw, records: msgspec.Raw) -> msgspec.Raw:
    """Make the array of addresses of an array of recordings' ids; of anything else, null.

    A recording without an id, and one of a communication without, has null in its place.
    """
    try:
        ids = _ITEMS.decode(records)
    except msgspec.ValidationError:
        return NULL
    start, talk = f"{web}/system/media/talk".encode(), _text(communication)
    made = (_address(start, talk, _text(record)) for record in ids)
    return msgspec.Raw(b"[" + b",".join(made) + b"]")


def _address(start: bytes, talk: bytes, record: bytes) -> bytes:
    return b'"%s/%s/%s/"' % (start, talk, record) if talk and record else b"null"


def _text(raw: msgspec.Raw) -> bytes:
    """Return an id, a number or a text, as addresses have it; empty for what is none."""
    data = bytes(raw)
    if data in (b"null", b"true", b"false"):
        return b""
    if plain := PLAIN.fullmatch(data):
        return plain[1]
    return quote(json.loads(data), safe="").encode() if data.startswith(b'"') else b""
