"""Whole processes, measured from outside: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Command = Sequence[str]


@dataclass(frozen=True)
class Figures:
    """One run: seconds of wall and of processor, peak resident megabytes, seconds to first byte."""

    wall: float
    cpu: float
    peak: float
    first: float = 0.0


def run(command: Command, environment: Mapping[str, str], *, first: bool = False) -> Figures:
    """Run a command to its end, its output thrown away. Raises `RuntimeError` where it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if first else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    seen = 0.0
    if process.stdout is not None:
        while piece := os.read(process.stdout.fileno(), 1 << 20):
            seen = seen or (time.perf_counter() - started) * bool(piece)
    told = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:3]} … ended with {process.returncode}: {told[-500:]!r}")
    return Figures(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, seen)


def interleaved(
    commands: Mapping[str, Command],
    environment: Mapping[str, str],
    runs: int,
    *,
    first: bool = False,
) -> dict[str, Figures]:
    """Run all commands in turn, once to warm up and `runs` times that count; return medians."""
    taken: dict[str, list[Figures]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            figures = run(command, environment, first=first)
            if number:
                taken[name].append(figures)
    return {name: middle(figures) for name, figures in taken.items()}


def middle(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure."""
    return Figures(
        median(each.wall for each in runs),
        median(each.cpu for each in runs),
        median(each.peak for each in runs),
        median(each.first for each in runs),
    )
