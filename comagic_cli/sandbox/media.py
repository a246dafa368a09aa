"""Recordings of invented calls: small real audio files, and the pages of a web account."""

from __future__ import annotations

import io
import re
import wave
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from zlib import crc32

from comagic_cli.sandbox import faults
from comagic_cli.sandbox.faults import HTML, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from comagic_cli.sandbox.faults import Schedule
    from comagic_cli.sandbox.quirks import Quirks

RECORDING: Final = "recording"  # the method of `Fault` and of the journal
PATH: Final = re.compile(r"/system/media/(talk|wav)/(\d+)/([\w.-]+)/?")
PAGES: Final = frozenset({"/login", "/maintenance"})
KINDS: Final = {"talk": "audio/mpeg", "wav": "audio/x-wav"}
LOGIN_PAGE: Final = (
    "<!DOCTYPE html>\r\n<html>\r\n<head><title>Вход в личный кабинет</title></head>\r\n"
    "<body><form>Логин, пароль</form></body>\r\n</html>\r\n"
).encode()
MODIFIED: Final = "Thu, 01 Oct 2026 09:00:00 GMT"
# A frame of MPEG-2 layer III: 8 kbit/s, 16 kHz, one channel; 576 samples, which last 36 ms.
_FRAME_HEAD: Final = b"\xff\xf3\x18\xc0"
_SIDE: Final = bytes(9)  # it says that no bits of sound follow: silence
_FRAME: Final = 36  # bytes
_FRAMES_A_SECOND: Final = 1000 / 36
_RATE: Final = 8000  # samples of a wav a second
_RANGE: Final = re.compile(r"bytes=(\d+)-")


def mp3(name: str, seconds: int) -> bytes:
    """Make silence as MP3; the name stands in each frame, where players do not look.

    Every second one begins with a tag, as files of some services do.
    """
    filler = f"{name:.23}".encode().ljust(_FRAME - len(_FRAME_HEAD) - len(_SIDE), b"\0")
    sound = (_FRAME_HEAD + _SIDE + filler) * round(seconds * _FRAMES_A_SECOND)
    return (_tag(name) if crc32(name.encode()) & 1 else b"") + sound


def _tag(name: str) -> bytes:
    """Write an ID3 tag with the name as title."""
    text = b"\x03" + name.encode()
    frame = b"TIT2" + len(text).to_bytes(4, "big") + bytes(2) + text
    return b"ID3\x03\x00\x00" + bytes((0, 0, 0, len(frame))) + frame


def wav(name: str, seconds: int) -> bytes:
    """Make a quiet tone as WAV, another one for each name."""
    period = 20 + crc32(name.encode()) % 60  # samples
    samples = bytes(128 + (4 if place % period < period // 2 else -4) for place in range(_RATE))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(_RATE)
        sound.writeframes(samples * seconds)
    return file.getvalue()


class Media:
    """The web account's part of the service: recordings by their addresses.

    `is_token` checks a token; `note` writes a request down.
    """

    def __init__(
        self,
        quirks: Quirks,
        schedule: Schedule,
        is_token: Callable[[str], bool],
        note: Callable[[str, str, Mapping[str, str]], None],
    ) -> None:
        self._quirks = quirks
        self._schedule = schedule
        self._is_token = is_token
        self._note = note

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer | None:
        """Answer a request; `None` where nothing of ours is at the path."""
        path = path.partition("?")[0]
        if path in PAGES:
            return Answer(LOGIN_PAGE, kind=HTML)
        found = PATH.fullmatch(path)
        if found is None:
            return None
        fault = self._schedule.next(RECORDING)
        if fault is not None and (fault.kind in faults.INSTEAD or fault.kind.isdigit()):
            self._note(path, fault.kind, headers)
            return faults.instead(fault)
        answer, outcome = self._recording(found[1], found[2], found[3], headers)
        self._note(path, fault.kind if fault else outcome, headers)
        return faults.spoilt(fault, answer) if fault and outcome == "ok" else answer

    def _recording(
        self, form: str, call: str, record: str, headers: Mapping[str, str]
    ) -> tuple[Answer, str]:
        if self._quirks.recordings == "login":
            return Answer(b"", 302, HTML, {"Location": "/login"}), "login"
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if self._quirks.recordings == "token" and not self._is_token(token):
            return Answer(faults.page(403), 403, HTML), "403"
        mark = f"{int(call):x}"  # the id of the call is a part of the recording's
        if not (record.startswith(mark) or record.endswith(mark)):
            return Answer(faults.page(404), 404, HTML), "404"
        seconds = 1 + crc32(record.encode()) % self._quirks.recording_seconds
        body = (mp3 if form == "talk" else wav)(record, seconds)
        whole = Answer(body, kind=KINDS[form], headers={"Last-Modified": MODIFIED})
        if not self._quirks.recording_ranges:
            return whole, "ok"
        tag = f'"{crc32(body):08x}"'
        ranged = {"Accept-Ranges": "bytes", "ETag": tag}
        whole = replace(whole, headers=whole.headers | ranged)
        wanted = _RANGE.fullmatch(headers.get("range", ""))
        if wanted is None or headers.get("if-range", tag) != tag:
            return whole, "ok"
        start = int(wanted[1])
        if start >= len(body):
            return Answer(b"", 416, headers={"Content-Range": f"bytes */{len(body)}"}), "416"
        part = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        return replace(whole, body=body[start:], status=206, headers=whole.headers | part), "ok"
