"""Faults: which call they befall, and what then goes over the wire instead of the answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Final

from comagic_cli.sandbox.methods.refusals import Refusal, limit_exceeded

if TYPE_CHECKING:
    from comagic_cli.sandbox.quirks import Fault

JSON: Final = "application/json; charset=UTF-8"
HTML: Final = "text/html; charset=UTF-8"
INSTEAD: Final = frozenset({"reset", "empty", "html", "redirect"})  # these need no answer
SPOILT: Final = frozenset({"truncate", "slow", "stall", "wrong_id", "gzip_damaged", "cut_json"})
_KEPT: Final = 0.6  # of a body that is cut
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Answer:
    """What goes over the wire.

    Only `sent` bytes of the body where that is told, though the head promises all; then, `stall`
    seconds later, the connection is closed. `reset` sends nothing.
    """

    body: bytes
    status: int = 200
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    wait: float = 0.0  # seconds before anything is sent
    stall: float = 0.0  # seconds between what is sent and the close
    reset: bool = False


class Schedule:
    """Counts calls, and says which fault befalls the next one."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._calls: Counter[str | None] = Counter()
        self._lock = Lock()

    def next(self, method: str) -> Fault | None:
        """Count a call of a method and return its fault, the first that befalls it."""
        with self._lock:
            self._calls.update((None, method))
            for fault in self._faults:
                if fault.method in {None, method} and fault.befalls(self._calls[fault.method]):
                    return fault
        return None


def refusal(fault: Fault) -> Refusal | None:
    """Return the refusal that a fault named by a mnemonic is."""
    if fault.kind in INSTEAD | SPOILT or fault.kind.isdigit():
        return None
    if fault.kind == "limit_exceeded":
        return limit_exceeded(fault.detail, 100, round(fault.seconds))
    return Refusal(fault.kind)


def retry_header(fault: Fault) -> dict[str, str]:
    """Return the header that says when to try again, where the fault tells that."""
    return {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}


def instead(fault: Fault) -> Answer:
    """Return what comes in place of the answer."""
    headers = retry_header(fault)
    if fault.kind == "reset":
        return Answer(b"", reset=True)
    if fault.kind == "empty":
        return Answer(b"", headers=headers)
    if fault.kind == "redirect":
        return Answer(b"", 302, HTML, {"Location": "/maintenance"})
    status = int(fault.kind) if fault.kind.isdigit() else 200
    if status in _REDIRECTS:
        headers |= {"Location": "/login"}
    return Answer(page(status), status, HTML, headers)


def page(status: int) -> bytes:
    """Write the page of a gateway."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Web server is down"
    title = f"{status} {phrase}" if status != HTTPStatus.OK else "Ведутся технические работы"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def spoilt(fault: Fault, answer: Answer) -> Answer:
    """Return an answer as the fault leaves it; `wrong_id` was done when it was made."""
    body, headers = answer.body, answer.headers | retry_header(fault)
    cut = int(len(body) * _KEPT)
    if fault.kind == "slow":
        return replace(answer, headers=headers, wait=fault.seconds)
    if fault.kind == "truncate":
        return replace(answer, headers=headers, sent=cut)
    if fault.kind == "stall":
        return replace(answer, headers=headers, sent=cut, stall=fault.seconds)
    if fault.kind == "cut_json":
        return replace(answer, body=body[:cut], headers=headers)
    if fault.kind == "gzip_damaged":
        return Answer(b"\x1f\x8b\x08\x00damaged" + body[:cut], headers={"Content-Encoding": "gzip"})
    return replace(answer, headers=headers)
