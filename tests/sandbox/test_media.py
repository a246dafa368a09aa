"""Recordings that the sandbox serves: real audio, the same each time, with traps."""

from __future__ import annotations

import io
import wave
from dataclasses import replace

import pytest
from sandbox_client import PERIOD, connect, sandbox

from comagic_cli.sandbox.media import RECORDING, mp3, wav
from comagic_cli.sandbox.quirks import Fault


def get(box, path, **headers):
    """Return status, headers and body; names of headers have underscores for dashes."""
    connection = connect(box)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers=named)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def path_of(box, form="talk"):
    calls = box.truth("calls", *PERIOD, fields=["communication_id", "call_records"])
    call = next(call for call in calls if call["call_records"])
    return f"/system/media/{form}/{call['communication_id']}/{call['call_records'][0]}/"


@pytest.fixture
def box():
    with sandbox(rows=50, span=PERIOD) as made:
        yield made


def test_a_recording_is_the_same_each_time_and_no_other(box):
    path = path_of(box)
    assert (
        get(box, path)[2]
        == get(box, path)[2]
        == mp3(path.split("/")[-2], len(get(box, path)[2]) // 1000)
    )
    assert mp3("a", 1) != mp3("b", 1)
    assert wav("a", 1) != wav("b", 1)


def test_wav_is_read_by_the_standard_library(box):
    status, headers, body = get(box, path_of(box, "wav"))
    assert (status, headers["Content-Type"]) == (200, "audio/x-wav")
    with wave.open(io.BytesIO(body)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 8000)
        assert sound.getnframes() in {8000, 16000, 24000}


def test_a_part_of_a_recording_can_be_asked_for(box):
    path = path_of(box)
    _, headers, whole = get(box, path)
    tag = headers["ETag"]
    status, part, body = get(box, path, Range="bytes=100-", If_Range=tag)
    assert (status, body) == (206, whole[100:])
    assert part["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert get(box, path, Range="bytes=100-", If_Range='"other"')[::2] == (200, whole)
    assert get(box, path, Range="bytes=99999-")[0] == 416


@pytest.mark.parametrize(
    ("quirks", "headers", "status"),
    [
        ({}, {}, 200),
        ({"recordings": "token"}, {}, 403),
        ({"recordings": "token"}, {"Authorization": "Bearer sandbox-token"}, 200),
        ({"recordings": "token"}, {"Authorization": "Bearer other"}, 403),
        ({"recordings": "login"}, {"Authorization": "Bearer sandbox-token"}, 302),
        ({"recording_ranges": False}, {"Range": "bytes=10-"}, 200),
    ],
)
def test_recordings_ask_for_what_the_quirks_say(quirks, headers, status):
    with sandbox(rows=50, span=PERIOD, **quirks) as box:
        assert get(box, path_of(box), **headers)[0] == status


@pytest.mark.parametrize(
    ("kind", "status", "begins"),
    [
        ("html", 200, b"<html>"),
        ("308", 308, b"<html>"),
        ("403", 403, b"<html>"),
        ("404", 404, b"<html>"),
        ("empty", 200, b""),
    ],
)
def test_faults_befall_recordings_and_no_calls(kind, status, begins):
    fault = Fault(kind, at=(1,), method=RECORDING)
    with sandbox(rows=50, span=PERIOD, faults=(fault, replace(fault, kind="503", at=(9,)))) as box:
        path = path_of(box)
        told, headers, body = get(box, path)
        assert (told, body[: len(begins)]) == (status, begins)
        assert headers["Location"] == ("/login" if status == 308 else None)
        assert get(box, path)[0] == 200
        assert [call.outcome for call in box.journal] == [kind, "ok"]


def test_there_is_no_recording_that_no_call_has(box):
    assert get(box, "/system/media/talk/1/ffff/")[0] == 404
    assert get(box, "/system/media/talk/x/ffff/")[0] == 405
    assert get(box, "/login")[2].startswith(b"<!DOCTYPE html>")
