from __future__ import annotations

import json

import msgspec
import pytest
from sinks import page_of, text_fields, written

from comagic_cli.config.services import BRANDS
from comagic_cli.formats.transforms import addresses, web_account

KNOWN = [
    ("https://dataapi.comagic.ru/v2.0", None, "https://app.comagic.ru"),
    ("https://dataapi.uiscom.ru/v2.0", None, "https://app.uiscom.ru"),
    ("https://dataapi.callgear.com/v2.0", None, "https://app.callgear.com"),
    ("https://dataapi.callgear.ae/v2.0", None, "https://app.callgear.ae"),
    ("https://dataapi-jsonrpc.novofon.ru/v2.0", None, "https://app.novofon.ru"),
    ("https://dataapi.comagic.ru:443/v2.0", None, "https://app.comagic.ru"),
    ("https://api.reseller.example/v2.0", None, None),
    ("https://api.reseller.example/v2.0", "app.reseller.example", "https://app.reseller.example"),
    ("https://dataapi.comagic.ru/v2.0", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
]


@pytest.mark.parametrize(("api", "host", "web"), KNOWN)
def test_where_the_web_account_is(api, host, web):
    assert web_account(api, host) == web


def test_the_web_account_of_every_service_is_known():
    assert None not in [web_account(url, None) for url in BRANDS.values()]


TALK = "https://app.uiscom.ru/system/media/talk"
MADE = [
    ("7", '["ab","cd-1_2.~"]', [f"{TALK}/7/ab/", f"{TALK}/7/cd-1_2.~/"]),
    ('"0042"', "[5]", [f"{TALK}/0042/5/"]),
    ("3000000001", '["a/b?","я"]', [f"{TALK}/3000000001/a%2Fb%3F/", f"{TALK}/3000000001/%D1%8F/"]),
    ("7", r'["\u0061"]', [f"{TALK}/7/a/"]),
    ("7", '[null,"",true,{"id":1},[2]]', [None] * 5),
    ("null", '["ab"]', [None]),
    ("7", "[]", []),
    ("7", "null", None),
    ("7", '"ab"', None),
    ("7", "{}", None),
]


@pytest.mark.parametrize(("talk", "records", "made"), MADE)
def test_addresses(talk, records, made):
    raw = addresses(
        "https://app.uiscom.ru", msgspec.Raw(talk.encode()), msgspec.Raw(records.encode())
    )
    assert json.loads(bytes(raw)) == made


def test_what_they_are_made_of_is_not_written():
    page = page_of('{"a":1.10,"communication_id":7,"call_records":["x"],"call_record_urls":5}')
    format_options = {"record_urls": True, "web": "https://w"}
    made = "https://w/system/media/talk/7/x/"
    assert (
        written("csv", text_fields("a"), page, **format_options)
        == f"a,call_record_urls\n1.10,{made}\n"
    )
    assert written("jsonl", text_fields("a"), page, **format_options) == (
        f'{{"a":1.10,"call_record_urls":["{made}"]}}\n'
    )
