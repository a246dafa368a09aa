"""The program under test: in process, and as real processes beside a sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from threading import Semaphore

from comagic_cli.cli.main import main
from comagic_cli.export.context import Clock
from comagic_cli.sandbox.quirks import Fault, Quirks
from comagic_cli.sandbox.server import Sandbox

HOME = Path(__file__).parent.parent.parent
NOW = "2024-10-08 12:00:00"
DAYS = ["--from", "2024-10-01", "--till", "2024-10-05"]
SPAN = ("2024-10-01 00:00:00", "2024-10-05 23:59:59")
TWO = ["--fields", "communication_id,communication_date_time"]
REPORT = ["communications", *DAYS, *TWO]
PATIENCE = 60  # seconds until a test gives up on a process
COMAGIC = [sys.executable, "-m", "comagic_cli"]


class Watched(Sandbox):
    """A sandbox of few rows that can be waited for."""

    def __init__(self, rows=100, **more):
        known = {"data", "now", "times", "span", "seed", "clock", "port"}
        arguments = {name: more.pop(name) for name in known & set(more)}
        self.calls = Semaphore(0)
        if "data" not in arguments:
            arguments = {"rows": rows, "span": SPAN} | arguments
        super().__init__(quirks=Quirks(**more), **({"now": NOW} | arguments))

    def answer(self, body, headers):
        answer = super().answer(body, headers)
        self.calls.release()
        return answer

    def await_calls(self, number):
        """Wait until so many calls have come."""
        for _ in range(number):
            assert self.calls.acquire(timeout=PATIENCE), "the call did not come"

    @property
    def methods(self):
        return [call.method for call in without_checks(self.journal)]

    @property
    def pages(self):
        return [
            call
            for call in without_checks(self.journal)
            if "offset" in call.params and "fields" in call.params
        ]


def without_checks(journal):
    """Leave out the calls for one row more that check what a total counts."""

    def rest(call):
        return call.method, {**call.params, "limit": 1, "offset": 0}

    return [
        call
        for place, call in enumerate(journal)
        if call.params.get("limit") != 1
        or all(
            earlier.params.get("limit") == 1 or rest(earlier) != rest(call)
            for earlier in journal[:place]
        )
    ]


def fault(kind, *at, **more):
    """Plan a fault of calls for rows: of those numbered, else of all."""
    more = {"method": "get.communications"} | more
    return (Fault(kind, at=at, every=0 if at else 1, **more),)


@dataclass(frozen=True)
class Ran:
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str


class InProcess:
    """Run command lines in this process by `clock`; pauses are written down, not made."""

    def __init__(self, capture, patch, cache):
        self.pauses: list[float] = []
        self._capture = capture
        self._patch = patch
        patch.setenv("XDG_CACHE_HOME", str(cache))
        self.clock = Clock(sleep=self.pauses.append)

    def stop_clock(self, moment):
        """Let it be an aware moment from now on."""
        self.clock = replace(self.clock, now=lambda: moment.astimezone(UTC))

    def __call__(self, *arguments, box=None, **environment):
        with self._patch.context() as patch:
            if box is not None:
                patch.setenv("COMAGIC_BASE_URL", box.url)
                patch.setenv("COMAGIC_TOKEN", box.token)
            for name, value in environment.items():
                patch.setenv(name, value)
            code = main([str(argument) for argument in arguments], self.clock)
        out, err = (stream.decode() for stream in self._capture.readouterr())
        assert box is None or box.token not in out + err
        return Ran(code, out, err)


def environment(home, box=None, **more):
    """Make the environment of a process, which is not measured unless `measured()` is added."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # csvcut is beside Python
    made = {"PATH": path, "HOME": str(home), "XDG_CACHE_HOME": f"{home}/cache"}
    made |= {"PYTHONPATH": str(HOME)}
    if box is not None:
        made |= {"COMAGIC_BASE_URL": box.url, "COMAGIC_TOKEN": box.token}
    return made | more


def start(arguments, environ, *, code=None, **more):
    """Start the program, or code that runs it; its streams are pipes by default."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [*([sys.executable, "-c", code] if code else COMAGIC), *map(str, arguments)],
        env=environ,
        text=True,
        errors="replace",  # what is read of an output can begin in the midst of a character
        **(streams | more),
    )


def ended(process):
    """Wait for the end of a process; what it said never contains the token."""
    out, err = process.communicate(timeout=PATIENCE)
    ran = Ran(process.returncode, out or "", err or "")
    assert "sandbox-token" not in ran.out + ran.err
    return ran


def run(arguments, environ, **more):
    """Run the program to its end."""
    return ended(start(arguments, environ, **more))


def shell(line, environ):
    """Run a line of bash where `comagic` is the program."""
    function = f'comagic() {{ {sys.executable} -m comagic_cli "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-c", function + line],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def stop(process, number=signal.SIGINT):
    process.send_signal(number)
    return ended(process)
