from __future__ import annotations

import json
import subprocess
import sys
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from comagic_cli.api.envelope import (
    BOM,
    ApiError,
    MalformedResponse,
    limits_of,
    mark_lone_surrogates,
    read_envelope,
    total_of,
)
from comagic_cli.rows.page import Answer, cut_row

BODY = b'{"jsonrpc":"2.0","id":7,"result":{"metadata":{"total_items":1},"data":[{"a":1.10}]}}'
PRETTY = json.dumps(json.loads(BODY), indent=2).encode()


@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("body", [BODY, BOM + BODY, b"\r\n" + BODY + b"\n"])
def test_an_answer_keeps_its_data_as_it_came(kind, body):
    envelope, marker = read_envelope(kind(body))
    assert (envelope.id, envelope.failure, marker) == (7, None, b"")
    assert envelope.result.metadata == {"total_items": 1}
    assert Answer(envelope.result.data).data == b'[{"a":1.10}]'


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (PRETTY, [{"a": 1.1}]),
        (b'{"result":{"data":[]}}', []),
        (b'{"result":{}}', None),
        (b'{"result":{"data":null,"metadata":null,"more":1},"error":null,"warnings":[]}', None),
        (b'{"result":{"data":[1],"metadata":[]},"error":{},"id":null}', [1]),
        (b'{"result":{"data":{"id":1}},"error":""}', {"id": 1}),
        ('{"result":{"data":["Звонки \\ud83d\\ude00 \\\\ud800"]}}'.encode(), ["Звонки 😀 \\ud800"]),
    ],
)
def test_every_member_of_an_answer_is_optional(body, data):
    envelope, marker = read_envelope(body)
    assert (envelope.failure, marker) == (None, b"")
    assert json.loads(Answer(envelope.result.data).data) == data


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"code": -1, "message": "m", "data": None}, ApiError(-1, "m", None)),
        (
            {"code": "-1", "data": {"mnemonic": "x"}, "more": 1},
            ApiError("-1", None, {"mnemonic": "x"}),
        ),
        ({}, ApiError()),
        ("maintenance", ApiError(message="maintenance")),
        ("", ApiError(message="")),
    ],
)
def test_an_error_may_be_an_object_or_a_text(error, failure):
    envelope, _ = read_envelope(json.dumps({"error": error, "id": 1}).encode())
    assert envelope.failure == failure


def test_an_error_that_says_something_counts_more_than_a_result():
    envelope, _ = read_envelope(b'{"result":{"data":[1]},"error":{"code":-32603}}')
    assert envelope.failure == ApiError(-32603)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (BOM, "it is empty"),
        (b"<html><h1>502</h1>", "it is HTML"),
        (BOM + b"\n<!DOCTYPE html>", "it is HTML"),
        (
            b"Bad gateway",
            "it is not JSON, or was cut (JSON is malformed: invalid character (byte 0))",
        ),
        (BODY[:60], "it is not JSON, or was cut (Input data was truncated)"),
        (
            BODY + b"}",
            "it is not JSON, or was cut (JSON is malformed: trailing characters (byte 85))",
        ),
        (
            b'{"error":["\\ud800"]',
            "it is JSON, but not of the API's form (Expected ",
        ),
        (b"[]", "it is JSON, but not of the API's form (Expected `object`, got `array`)"),
        (
            b'{"result":1}',
            "it is JSON, but not of the API's form (Expected `object | null`, got `int`",
        ),
        (b'{"result":{"data":' + b"[" * 200_000, "it is nested too deeply"),
        (b'{"result":{"metadata":' + b'{"a":' * 200_000, "it is nested too deeply"),
        (zlib.compress(BODY, wbits=31), "it is compressed, but no header says so"),
        ("Ошибка".encode("cp1251"), "it is not UTF-8 at byte 0"),
        (b'{"result":{"data":["\xff"]}}', "it is not UTF-8 at byte 20"),
        (b'{"result":{"data":["\xed\xa0\x80"]}}', "it is not UTF-8 at byte 20"),
    ],
)
def test_what_is_no_answer_is_said_to_be_so(body, why):
    with pytest.raises(MalformedResponse) as caught:
        read_envelope(bytearray(body))
    assert str(caught.value).startswith(why)
    assert caught.value.__context__ is None or "cut" not in why


@pytest.mark.parametrize(
    ("data", "marked"),
    [
        (rb'["\ud800"]', rb'["<lone0>d800"]'),
        (rb'["\uDFFFx","\ud83d\ude00"]', rb'["<lone0>DFFFx","\ud83d\ude00"]'),
        (rb'["\ud83d\ud83d\ude00"]', rb'["<lone0>d83d\ud83d\ude00"]'),
        (rb'["<lone0>\\\ud800"]', rb'["<lone0>\\<lone1>d800"]'),
        (rb'["\u003clone0>\ud800"]', rb'["\u003clone0><lone1>d800"]'),
        (rb'["\u003C\u006cone0>\ud800"]', rb'["\u003C\u006cone0><lone1>d800"]'),
    ],
)
def test_lone_surrogates_are_marked(data, marked):
    envelope, marker = read_envelope(b'{"result":{"data":' + data + b"}}")
    assert Answer(envelope.result.data).data == marked
    assert Answer(envelope.result.data).data.replace(marker, rb"\u") == data


def test_a_body_without_lone_surrogates_is_left_alone():
    assert mark_lone_surrogates(rb'"\\ud800 \ud83d\ude00"') == (rb'"\\ud800 \ud83d\ude00"', b"")


@given(st.text(), st.integers(0, 3))
def test_any_text_is_marked_so_that_it_can_be_told_back(text, at):
    body = json.dumps([text[:at] + "\ud800" + text[at:]]).encode()
    marked, marker = mark_lone_surrogates(body)
    assert marker not in body
    assert marked.replace(marker, rb"\u") == body
    msgspec.json.decode(marked)


@pytest.mark.parametrize("place", range(-4, 5))
@pytest.mark.parametrize("char", ["я", "€", "😀"])
def test_characters_may_lie_across_the_pieces_that_are_checked(place, char):
    head = b'{"result":{"data":["'
    body = head + b"x" * ((1 << 18) - len(head) + place) + char.encode() * 9 + b'"]}}'
    envelope, _ = read_envelope(body)
    assert Answer(envelope.result.data).data.endswith(char.encode() + b'"]')
    spoilt = body.replace(char.encode() + b'"', char.encode()[:-1] + b'"')
    with pytest.raises(
        MalformedResponse, match=f"^it is not UTF-8 at byte {len(body) - 4 - len(char.encode())}$"
    ):
        read_envelope(spoilt)


def test_many_bytes_that_only_continue_characters_are_refused_at_once():
    with pytest.raises(MalformedResponse, match=r"at byte 0$"):
        read_envelope(b"\x80" * (1 << 20))


@pytest.mark.parametrize(
    ("metadata", "total"),
    [
        ({"total_items": 5}, 5),
        ({"total_items": "5"}, 5),
        ({"total_items": 5.0}, 5),
        ({"total_items": 0}, 0),
        *(
            ({"total_items": value}, None)
            for value in (None, "", "many", "٥", "9" * 20, -1, 5.5, True, [], {}, float("inf"))
        ),
        ({}, None),
        ([], None),
        (None, None),
        ("5", None),
    ],
)
def test_the_total_is_a_number_or_missing(metadata, total):
    assert total_of(metadata) == total


@pytest.mark.parametrize(
    ("metadata", "limits"),
    [
        ({"limits": {"day_limit": 100, "day_remaining": "7", "day_reset": None}}, (100, 7)),
        *(({"limits": value}, ()) for value in ({}, [], None, "none", 5)),
        ({}, ()),
        ([], ()),
        (None, ()),
    ],
)
def test_limits_are_their_numbers(metadata, limits):
    assert limits_of(metadata) == dict(zip(("day_limit", "day_remaining"), limits, strict=False))


@pytest.mark.parametrize(
    ("rows", "cut"),
    [
        ('[{"a":1,"b":"x"},{"b":null,"a":2.50}]', [("1", '"x"'), ("2.50", "null")]),
        ('[{"a":1,"c":{}},{}]', [("1", "null"), ("null", "null")]),
        ("[]", []),
        ('[{"a":1},7]', None),
        ('{"a":1}', None),
    ],
)
def test_rows_are_cut_in_one_pass_where_all_are_objects(rows, cut):
    body = f'{{"result":{{"data":{rows},"metadata":{{"total_items":2}}}}}}'.encode()
    envelope, _ = read_envelope(body, cut_row(("a", "b")))
    data = envelope.result.data
    if cut is None:
        assert (bytes(data).decode(), read_envelope(body)[0].failure) == (rows, None)
    else:
        found = [tuple(bytes(value).decode() for value in astuple(row)) for row in data]
        assert found == cut


AT_ONCE = """
import sys
from threading import Barrier, Thread
from comagic_cli.api.envelope import read_envelope
from comagic_cli.rows.page import cut_row

sys.setswitchinterval(1e-6)
body = b'{"result":{"data":[%s]}}' % b",".join([b'{"id":1,"name":"A"}'] * 50)
read = []
for number in range(400):
    barrier = Barrier(4)

    def run():
        barrier.wait()
        row = cut_row(("id", "name", f"column{number}"))
        read.append(len(read_envelope(body, row)[0].result.data))

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert read == [50] * 1600
"""


def test_first_answers_of_new_columns_can_be_read_by_several_threads_at_once():
    """In a process of its own: an error of memory ends it."""
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
