"""comagic login: what is asked, tried and saved."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time

import pytest
from accounts import person, piped
from program import COMAGIC, PATIENCE, Watched, environment, fault

from comagic_cli.cli import auth as prompts
from comagic_cli.config import services as brands

HIDDEN = ["Token (empty: a login and password instead)", "Password"]
TOLD = "ООО «Светлый дом», Europe/Moscow: saved as profile {} in {}."


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "comagic" / "config.toml"


@pytest.fixture
def box():
    with Watched(rows=3) as served:
        yield served


def mode(path):
    return path.stat().st_mode & 0o777


SERVICE = "Service: comagic, uis, callgear, callgear-ae, novofon or a URL [comagic]: "


def test_a_token_is_asked_for_tried_and_saved(comagic, file, box, monkeypatch):
    asked = person(monkeypatch, "comagc", "a b", box.url, "sandbox-token")
    ran = comagic("login")
    assert (ran.code, ran.out, asked) == (0, "", HIDDEN[:1])
    names = "comagic, uis, callgear, callgear-ae, novofon"
    unknown = f"'comagc' is neither a URL nor one of {names}.\n"
    wrong = "--base-url: 'a b' is not a URL. Example: https://dataapi.comagic.ru.\n"
    told = f"{SERVICE}{unknown}{SERVICE}{wrong}{SERVICE}{TOLD.format('default', file)}\n"
    assert ran.err == told
    assert file.read_text() == (
        'default = "default"\n\n[profiles.default]\n'
        f'base-url = "{box.url}"\ntoken = "sandbox-token"\ntimezone = "Europe/Moscow"\n'
    )
    assert (mode(file), mode(file.parent), box.methods) == (0o600, 0o700, ["get.account"])


def test_a_login_is_asked_for_where_there_is_no_token(comagic, file, box, monkeypatch):
    asked = person(monkeypatch, "", "sandbox", "sandbox")
    ran = comagic("login", "work", "--base-url", box.url)
    assert (ran.code, asked, box.methods) == (0, HIDDEN, ["login.user", "get.account"])
    assert 'login = "sandbox"\npassword = "sandbox"\n' in file.read_text()
    assert comagic("communications", "--period", "yesterday").code == 0
    assert box.methods.count("login.user") == 1, "the session is kept"
    assert box.methods.count("get.account") == 1, "and so is the zone"


@pytest.mark.parametrize(
    ("options", "saved"),
    [
        (["--with-token"], 'token = "sandbox-token"'),
        (["--token-file", "token"], 'token-file = "{}/token"'),
        (["--token-command", "printf sandbox-token"], 'token-command = "printf sandbox-token"'),
    ],
)
def test_a_token_without_a_person(comagic, file, box, monkeypatch, tmp_path, options, saved):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("sandbox-token")
    (tmp_path / "token").chmod(0o600)
    piped(monkeypatch, b" sandbox-token\r\n")
    ran = comagic("login", "work", "--base-url", box.url, *options)
    assert (ran.code, ran.out, ran.err) == (0, "", TOLD.format("work", file) + "\n")
    assert saved.format(tmp_path) in file.read_text()
    monkeypatch.chdir("/")
    assert comagic("communications", "--period", "yesterday").code == 0


def test_a_token_is_asked_for_where_a_person_was_to_pipe_it(comagic, file, box, monkeypatch):
    asked = person(monkeypatch, "sandbox-token")
    assert comagic("login", "--with-token", "--base-url", box.url).code == 0
    assert (asked, 'token = "sandbox-token"' in file.read_text()) == (["Token"], True)


WITHOUT = (
    "comagic: login: not a terminal, so the token cannot be prompted for\n"
    "  Pipe it in: comagic login --with-token < FILE. Or name --token-file or --token-command.\n"
)


@pytest.mark.parametrize(
    ("words", "typed", "told"),
    [
        ([], b"", WITHOUT),
        (["a/b", "--with-token"], b"x", "comagic: 'a/b' is not a name for a profile\n  Use letter"),
        (["--with-token"], b"", "comagic: --with-token: no token came on standard input\n  Type: "),
        (["--with-token"], b"a b", "comagic: login: profiles.default.token: the token has blanks"),
        (["--with-token"], b"a\x07b", "comagic: login: profiles.default.token: the token has cha"),
        (["--with-token"], b"\xff", "comagic: --with-token: standard input is not text\n"),
        (["--with-token", "--token-file", "x"], b"", "comagic: --with-token and --token-file: giv"),
        (["--with-token"], None, "comagic: --with-token: standard input is closed\n"),
        (["--token-file", "/no"], b"", "comagic: login: profiles.default.token-file: /no can't be"),
        (["--token-command", "false"], b"", "comagic: login: profiles.default.token-command: fals"),
        (["--base-url", "http://x.example"], b"", WITHOUT),
    ],
)
def test_what_is_not_tried(comagic, file, box, monkeypatch, words, typed, told):
    if typed is None:
        monkeypatch.setattr(prompts.sys, "stdin", None)
    else:
        piped(monkeypatch, typed)
    ran = comagic("login", *words, COMAGIC_BASE_URL=box.url)
    assert (ran.code, ran.out, ran.err[: len(told)]) == (2, "", told)
    assert (box.methods, file.exists()) == ([], False)


@pytest.mark.parametrize(
    ("lines", "code", "told"),
    [
        (["^C"], 130, "\n"),
        ([], 2, "\ncomagic: the input has ended, and nothing was saved\n"),
        ([""], 2, "Login: \ncomagic: the input has ended, and nothing was saved\n"),
        (["", "me", "^C"], 130, "Login: \n"),
        (["", "me", ""], 2, "Login: comagic: login: nothing was typed, and nothing was saved\n"),
    ],
)
def test_a_person_who_stops(comagic, file, box, monkeypatch, lines, code, told):
    person(monkeypatch, *lines)
    ran = comagic("login", "--base-url", box.url)
    assert (ran.code, ran.out, ran.err) == (code, "", told)
    assert (box.methods, file.exists()) == ([], False)


CHECK = "Check what was typed, and the service. Nothing was saved."


@pytest.mark.parametrize(
    ("lines", "faults", "code", "hint"),
    [
        (["wrong"], (), 4, CHECK),
        (["", "me@firm.example", "guess"], (), 4, CHECK),
        (["sandbox-token"], fault("503", method=None), 6, "The service is not available. Try "),
        (["sandbox-token"], fault("ip_not_whitelisted", method=None), 4, "Add 203.0.113.7 to "),
        (["sandbox-token"], fault("account_inactive", method=None), 4, "Ask the service why. No"),
        (["sandbox-token"], fault("limit_exceeded", method=None, detail="day"), 7, ""),
    ],
)
def test_nothing_is_saved_of_what_is_refused(comagic, file, monkeypatch, lines, faults, code, hint):
    file.parent.mkdir(parents=True)
    file.write_text("[profiles.default]\ntoken = 'old'\n")
    file.chmod(0o600)
    with Watched(rows=1, faults=faults) as box:
        person(monkeypatch, *lines)
        ran = comagic("login", "--base-url", box.url)
    *_, told = ran.err.splitlines()
    assert (ran.code, told.startswith(f"  {hint}"), told.endswith("Nothing was saved.")) == (
        *(code, True, True),
    )
    assert file.read_text() == "[profiles.default]\ntoken = 'old'\n"
    assert not {*lines, "old"} & {*ran.err.replace(":", " ").split()} - {""}


@pytest.mark.usefixtures("file")
def test_a_wrong_password_is_tried_once_and_another_at_once(comagic, box, monkeypatch):
    codes = []
    for password in ("guess", "guess", "other", "sandbox"):
        person(monkeypatch, "", "sandbox", password)
        codes.append(comagic("login", "--base-url", box.url).code)
    outcomes = [call.outcome for call in box.journal if call.method == "login.user"]
    assert (codes, outcomes) == ([4, 4, 4, 0], ["auth_error", "auth_error", "ok"])


# What is saved


def test_what_stands_in_a_profile_stays_and_its_account_changes(comagic, file, box, monkeypatch):
    file.parent.mkdir(parents=True)
    file.write_text(
        "[profiles.work]\nbase_url = 'uis'\nlogin = 'a'\npassword = 'b'\nuser_id = 7\n"
        "timezone = 'Asia/Tokyo'\ntz = 'Asia/Omsk'\nformat = 'csv' # so\n"
        "[profiles.work.calls]\npage_size = 5\n"
    )
    file.chmod(0o600)
    piped(monkeypatch, b"sandbox-token")
    assert comagic("login", "work", "--with-token", "--base-url", box.url).code == 0
    lines = [line for line in file.read_text().splitlines(keepends=True) if line.strip()]
    assert "".join(lines) == (  # blank lines differ between versions of tomlkit
        'default = "work"\n[profiles.work]\n'
        "timezone = \"Europe/Moscow\"\ntz = 'Asia/Omsk'\nformat = 'csv' # so\n"
        f'base-url = "{box.url}"\ntoken = "sandbox-token"\n'
        "[profiles.work.calls]\npage_size = 5\n"
    )


@pytest.mark.parametrize(
    ("before", "name", "default"),
    [
        ("", "work", 'default = "work"'),
        ("[profiles.other]\n", "work", 'default = "work"'),
        ("[profiles.default]\n", "work", ""),
        ("default = 'gone'\n", "work", 'default = "work"'),
        ("default = 'home'\n[profiles.home]\n", "work", "default = 'home'"),
        ("default = 'home'\n[profiles.home]\n", None, "default = 'home'"),
    ],
)
def test_the_first_profile_is_the_default_one(
    comagic, file, box, monkeypatch, before, name, default
):
    file.parent.mkdir(parents=True)
    file.write_text(before)
    file.chmod(0o600)
    piped(monkeypatch, b"sandbox-token")
    words = [name] if name else []
    assert comagic("login", *words, "--with-token", "--base-url", box.url).code == 0
    lines = [line for line in file.read_text().splitlines() if line.startswith("default")]
    assert lines == ([default] if default else [])
    assert f"[profiles.{name or 'home'}]" in file.read_text()


def test_a_service_that_has_a_name_is_saved_by_it(comagic, file, monkeypatch):
    with Watched(rows=1) as box:
        monkeypatch.setitem(brands.BRANDS, "uis", box.url)
        person(monkeypatch, "UIS", "sandbox-token")
        assert comagic("login", COMAGIC_PROFILE="work").code == 0
    assert '[profiles.work]\nbase-url = "uis"\n' in file.read_text()


def test_a_folder_that_can_t_be_written(comagic, file, box, monkeypatch):
    file.parent.parent.mkdir()
    file.parent.write_text("")
    piped(monkeypatch, b"sandbox-token")
    ran = comagic("login", "--with-token", "--base-url", box.url)
    assert (ran.code, ran.err) == (8, f"comagic: {file} can't be written: File exists.\n")


def test_a_user_without_a_home(comagic, monkeypatch):
    monkeypatch.setattr("comagic_cli.config.profiles.config_file", lambda: None)
    ran = comagic("login")
    told = (
        "comagic: there is no home directory to save profiles in\n  Set XDG_CONFIG_HOME or HOME.\n"
    )
    assert (ran.code, ran.err) == (2, told)


# A real terminal


def typed_at_terminal(words, environ, answers):
    """Run the program on a pseudo-terminal; answer each prompt; return what is shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMAGIC, *words],
        env=environ,
        preexec_fn=lambda: os.login_tty(theirs),  # noqa: PLW1509 - no threads are needed
        close_fds=False,
    )
    os.close(theirs)
    shown = b""
    for prompt, answer in answers:
        while prompt.encode() not in shown.rpartition(b"\n")[2]:
            assert select.select([ours], [], [], PATIENCE)[0], shown
            shown += os.read(ours, 4096)
        text = answer() if callable(answer) else answer
        os.write(ours, text.encode())
    while select.select([ours], [], [], PATIENCE)[0]:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(PATIENCE), shown.decode()


def test_a_real_terminal_shows_no_secret(tmp_path, box):
    environ = environment(tmp_path, XDG_CONFIG_HOME=str(tmp_path))
    answers = [("comagic]: ", f"{box.url}\n"), ("instead): ", "sandbox-token\n")]
    code, shown = typed_at_terminal(["login", "work"], environ, answers)
    assert (code, "saved as profile work" in shown, "sandbox-token" in shown) == (0, True, False)


def test_ctrl_c_at_a_hidden_prompt(tmp_path, box):
    environ = environment(tmp_path, XDG_CONFIG_HOME=str(tmp_path))
    words = ["login", "--base-url", box.url]
    code, shown = typed_at_terminal(words, environ, [("instead): ", "\x03")])
    assert (code, "Traceback" in shown, box.methods) == (130, False, [])


def test_the_question_of_an_agent_is_not_overwritten_by_the_progress(tmp_path):
    def later():
        """Answer when the line of progress has had the time to be drawn."""
        time.sleep(1.5)
        return "7002\n"

    with Watched(rows=1, agent=True) as box:
        environ = environment(tmp_path, XDG_CONFIG_HOME=str(tmp_path), TERM="xterm")
        question = "User id of the customer, or all (empty: give --user-id each time): "
        answers = [("instead): ", "sandbox-token\n"), (question, later)]
        code, shown = typed_at_terminal(["login", "--base-url", box.url], environ, answers)
    assert code == 0
    assert f"{question}7002\r\n" in shown
