"""A person at the keyboard, and the file of profiles."""

from __future__ import annotations

import io

from comagic_cli.cli import auth as prompts


class Typed(io.StringIO):
    """Standard input that is a terminal, with lines already typed."""

    def isatty(self):
        return True


def person(monkeypatch, *lines):
    """Let a person type lines; return what is asked, secrets by their questions alone."""
    typed = Typed("".join(f"{line}\n" for line in lines))
    asked = []

    def hidden(question, stream):
        assert stream is prompts.sys.stderr
        asked.append(question.removesuffix(": "))
        line = typed.readline()
        if not line:
            raise EOFError
        if line == "^C\n":
            raise KeyboardInterrupt
        return line.removesuffix("\n")

    monkeypatch.setattr(prompts.sys, "stdin", typed)
    monkeypatch.setattr(prompts, "getpass", hidden)
    return asked


def piped(monkeypatch, data):
    """Let standard input be no terminal."""
    monkeypatch.setattr(prompts.sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
