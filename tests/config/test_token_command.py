from __future__ import annotations

import sys

import pytest

from comagic_cli.config.credentials import RUN_BY_HAND, run_token_command
from comagic_cli.errors import UsageProblem

PRINT = "import sys; sys.stderr.write('the-token'); print('the-token\\nlogin: me')"


@pytest.mark.parametrize(
    ("command", "token"),
    [
        (["printf", "token\\n"], "token"),
        ("printf 'token'", "token"),
        ("printf %s ' token '", "token"),
        ("printf '%s' '$HOME;`id`'", "$HOME;`id`"),
        ("printf %s $HOME", "$HOME"),
        ("echo a;b", "a;b"),
        ("echo token > file", "token > file"),
        ("true", ""),
        ([sys.executable, "-c", PRINT], "the-token"),
        ([sys.executable, "-c", "import sys; print(sys.stdin.read() or 'closed')"], "closed"),
    ],
)
def test_the_first_line_is_the_token_and_no_shell_takes_part(command, token, capfd):
    assert run_token_command(command, "x") == token
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("", "x: the command is empty", ""),
        ([], "x: the command is empty", ""),
        ([""], "x: the command is empty", ""),
        ("pass 'show", "x: a quote is not closed", ""),
        ("/no/such show", "x: /no/such can't be run: No such file or directory", ""),
        (["printf", "\\377"], "x: the output of printf is not UTF-8 text", ""),
        (
            [sys.executable, "-c", f"{PRINT}; sys.exit(3)"],
            f"x: {sys.executable} failed (exit code 3)",
            RUN_BY_HAND,
        ),
        (
            ["sh", "-c", "echo the-token; printf 'a\\nno the-token here\\n' >&2; exit 2"],
            "x: sh failed (exit code 2)",
            RUN_BY_HAND,
        ),
        (
            ["sh", "-c", "kill -9 $$ # the-token"],
            "x: sh failed (signal 9)",
            RUN_BY_HAND,
        ),
        (
            ["sh", "-c", "sleep 3 & wait"],  # the child's child holds the pipe
            "x: sh did not end within 0.3 s",
            RUN_BY_HAND,
        ),
    ],
)
def test_a_command_that_brings_no_token(command, message, hint, capfd):
    with pytest.raises(UsageProblem) as caught:
        run_token_command(command, "x", timeout=0.3 if "sleep" in str(command) else 20)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert caught.value.__cause__ is None
    assert capfd.readouterr() == ("", "")
