"""Real shells on a pseudo-terminal: what they make of a line when Tab is pressed."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest
from program import HOME, PATIENCE, environment

TAB, SHOW, CLEAR = "\t", "\x14", "\x15"  # Tab, Ctrl-T, Ctrl-U
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z~]|[=>]|\][^\x07]*\x07)")
BASH = """
source {completions}/comagic.bash; PS1=; bind 'set bell-style none'
bind -x '"{show}": echo "<<$READLINE_LINE>>"'
"""
ZSH = """
fpath=({completions} $fpath); autoload -U compinit; compinit -u -D; unsetopt beep; PS1=
show() {{ print -r -- "<<$BUFFER>>" }}; zle -N show; bindkey '{show}' show
"""


def need(shell: str) -> str:
    """Find a shell; without it a test is skipped, but where CI promises all tools it fails."""
    path = shutil.which(shell)
    if path is None:
        told = f"{shell} is not installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
    return path


def home_of(folder: Path) -> dict[str, str]:
    """Make an environment where `comagic` is the program."""
    program = folder / "bin" / "comagic"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m comagic_cli "$@"\n')
    program.chmod(0o755)
    made = environment(folder, TERM="xterm", LC_ALL="C.UTF-8", COLUMNS="100", LINES="50")
    return made | {"PATH": f"{program.parent}:{made['PATH']}"}


def profile(folder: Path, name: str) -> None:
    """Let there be a profile."""
    file = folder / ".config" / "comagic" / "config.toml"
    file.parent.mkdir(parents=True)
    file.touch(mode=0o600)
    file.write_text(f"[profiles.{name}]\nbase-url = 'uis'\n")


class Interactive:
    """A shell in which lines are typed."""

    def __init__(self, command: list[str], start: str, folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command,
            env=home_of(folder),
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        show = f"\\C-{chr(ord(SHOW) + 96)}" if "bash" in command[0] else f"^{chr(ord(SHOW) + 64)}"
        text = start.format(completions=HOME / "completions", show=show)
        self._type(text.strip().replace("\n", "; ") + "; echo rea''dy\n")
        self._read_to("ready")

    def completed(self, line: str) -> tuple[str, str]:
        """Type a line and Tab; return what the line becomes, and what was shown meanwhile."""
        self._type(line + TAB + SHOW)
        shown = self._read_to(r"<<(.*?)>>")
        self._type(CLEAR)
        return shown[1], shown.string

    def close(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._ours)

    def _type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def _read_to(self, pattern: str) -> re.Match[str]:
        said, deadline = b"", monotonic() + PATIENCE
        while monotonic() < deadline:
            if select.select([self._ours], [], [], 0.1)[0]:
                said += os.read(self._ours, 65536)
            plain = ESCAPES.sub("", said.decode(errors="replace"))
            if found := re.search(pattern, plain):
                return found
        pytest.fail(f"the shell did not say {pattern!r}: {said!r}")


def bash(folder: Path) -> Interactive:
    return Interactive([need("bash"), "--norc", "--noprofile", "-i"], BASH, folder)


def zsh(folder: Path) -> Interactive:
    """Open a zsh that finds the script in its fpath."""
    return Interactive([need("zsh"), "-f", "-i"], ZSH, folder)


def zsh_with_source(folder: Path) -> Interactive:
    """Open a zsh that has read the script at its start."""
    start = ZSH.replace("fpath=({completions} $fpath)", "true") + "source {completions}/_comagic"
    return Interactive([need("zsh"), "-f", "-i"], start, folder)


def fish(folder: Path, line: str) -> list[str]:
    """Ask fish what it would offer for a line: values, each with its help after a tab."""
    script = f'source {HOME}/completions/comagic.fish; complete -C "$LINE"'
    done = subprocess.run(
        [need("fish"), "--no-config", "-c", script],
        env=home_of(folder) | {"LINE": line},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()
