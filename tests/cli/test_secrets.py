"""No secret anywhere: neither said nor written, by any command, whatever goes wrong."""

from __future__ import annotations

import html
import json
import os
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from accounts import person, piped
from coverage_marks import unmeasured
from program import DAYS, TWO, Watched, ended, environment, fault, start

from comagic_cli.paging.reader import Reader
from comagic_cli.sandbox.methods import accounts, refusals

TOKEN = 'kEy+/0é"\\&=%Ж<z>'
LOGIN = "me+you@firm.example"
PASSWORD = 'pä ss/"word"<&>%+\\Ж'
SESSION = "session-0000"  # how the tokens of the sandbox's sessions begin


def forms(secret):
    """Write a secret in every way that it may be found in."""
    data = secret.encode()
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
    texts |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    texts |= {repr(secret)[1:-1], repr(data)[2:-1], secret.encode().decode("latin-1")}
    coded = set()
    for before in range(3):  # where it stands in what is encoded
        text = b64encode(b"\0" * before + data).decode()
        start_, end = (0, 2, 3)[before], len(text) - (0 if (before + len(data)) % 3 == 0 else 4)
        coded |= {text[start_:end], text[start_:end].replace("+", "-").replace("/", "_")}
    return {form.encode() for form in texts | coded}


FORMS = {secret: forms(secret) for secret in (TOKEN, LOGIN, PASSWORD, SESSION)}


def found_in(data):
    return {secret for secret, written in FORMS.items() if any(form in data for form in written)}


@pytest.mark.parametrize("secret", [TOKEN, PASSWORD])
def test_a_secret_is_found_in_whatever_way_it_is_written(secret):
    for before in ("", "x", "xy", "xyz"):
        text = f"{before}{secret}."
        for said in (text, quote(text), json.dumps(text), repr(text), html.escape(text)):
            assert secret in found_in(said.encode())
        assert secret in found_in(b64encode(text.encode()))
    assert found_in(b"nothing of that kind") == set()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Work in a folder of its own, where a profile of each kind is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(accounts, "TOKEN", TOKEN)
    monkeypatch.setattr(accounts, "LOGIN", LOGIN)
    monkeypatch.setattr(accounts, "PASSWORD", PASSWORD)
    for name in ("token", "work", "config/comagic"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "token" / "file").write_text(TOKEN)
    (tmp_path / "token" / "file").chmod(0o600)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def profiles(home, box):
    """Write a profile of each kind."""
    file = home / "config" / "comagic" / "config.toml"
    ways = {
        "token": f"token = {json.dumps(TOKEN, ensure_ascii=False)}",
        "file": f"token-file = '{home}/token/file'",
        "command": f"token-command = ['cat', '{home}/token/file']",
        "login": f"login = '{LOGIN}'\npassword = {json.dumps(PASSWORD, ensure_ascii=False)}",
    }
    file.write_text(
        "".join(f'[profiles.{name}]\nbase-url = "{box.url}"\n{way}\n' for name, way in ways.items())
    )
    file.chmod(0o600)
    return file


def leaks(home):
    """Name the files that hold a secret, but for those that are meant to."""
    return {
        (path.name, secret)
        for path in home.rglob("*")
        if path.is_file() and "config" not in path.parts and "token" not in path.parts
        for secret in found_in(path.read_bytes() + str(path).encode())
        # The session is kept, for an hour, in a file that only its owner can read.
        if not (secret == SESSION and path.name.startswith("session-") and len(path.name) == 40)
    }


EXPORT = ["communications", *DAYS, *TWO, "--page-size", "40"]
LINES = [
    [*EXPORT],
    [*EXPORT, "--dry-run"],
    [*EXPORT, "--count"],
    [*EXPORT, "-o", "rows.csv", "--manifest", "rows.manifest.json"],
    [*EXPORT, "-o", "rows.csv", "--manifest", "rows.manifest.json", "--resume"],
    [*EXPORT, "-o", "days/{date}.jsonl"],
    [*EXPORT, "-o", "rows.db"],
    [*EXPORT, "-o", "rows.parquet"],
    [*EXPORT, "-o", "rows.xlsx"],
    ["chart", "calls", *DAYS],
    [*EXPORT, "--fields", "@custom,@all", "-f", "table"],
    [*EXPORT, "--as-saved"],
    ["calls", "--period", "yesterday", "--where", "employees like 'x'"],
    ["reports"],
    ["fields", "calls", "--live"],
    ["filters", "calls"],
    ["users"],
    ["account"],
    ["api", "get.account"],
    ["doctor"],
]
# What a way to name the account can change: a file, what a run says, and of the account.
FEW = [[*EXPORT], LINES[3], ["account"], ["doctor"]]
OFFLINE = [["profiles"], ["profiles", "show"], ["help", "errors"], ["verify", "rows.csv"]]
WAYS = ["token", "file", "command", "login", "environment", "pair"]


def named(way, box):
    """Name the account in one of the ways; return options and environment."""
    if way == "environment":
        return [], {"COMAGIC_TOKEN": TOKEN, "COMAGIC_BASE_URL": box.url}
    if way == "pair":
        pair = {"COMAGIC_LOGIN": LOGIN, "COMAGIC_PASSWORD": PASSWORD}
        return [], pair | {"COMAGIC_BASE_URL": box.url}
    return ["--profile", way], {}


def check_said(ran):
    assert found_in(ran.out.encode()) | found_in(ran.err.encode()) == set(), ran.err


@unmeasured
@pytest.mark.parametrize("way", WAYS)
def test_no_secret_where_nothing_fails(comagic, home, way):
    with Watched() as box:
        file = profiles(home, box)
        options, environ = named(way, box)
        for line in LINES if way in {"token", "login"} else FEW:
            ran = comagic(*line, "-v", *options, **environ)
            check_said(ran)
            assert ran.code in (0, 3, 4, 5), (line, ran.err)  # users are for agents
        before = file.read_bytes()
        for line in OFFLINE:
            check_said(comagic(*line, **environ, COMAGIC_PROFILE="token"))
    assert leaks(home) == set()
    assert file.read_bytes() == before


FAULTS = ["access_token_invalid", "auth_error", "error", "internal_error", "limit_exceeded"]
FAULTS += ["ip_not_whitelisted", "503", "html", "cut_json", "wrong_id", "redirect", "reset"]


@unmeasured
@pytest.mark.parametrize("kind", FAULTS)
def test_no_secret_where_the_service_fails(comagic, home, monkeypatch, kind):
    for way, secret in (("token", TOKEN), ("login", PASSWORD)):
        echo = f"what is {secret}, {quote(secret)} or {json.dumps(secret)}?"
        monkeypatch.setitem(refusals.MESSAGES, "error", echo)
        days = [*EXPORT, "-o", f"{way}/{{date}}.jsonl"]
        for at, line in ((2, LINES[3]), (1, EXPORT), (2, days)):
            faults = fault(kind, *range(at, 9), method="get.communications", detail="day")
            with Watched(faults=faults) as box:
                profiles(home, box)
                form = "json" if way == "login" else "text"
                ran = comagic(*line, "-v", "--profile", way, COMAGIC_LOG_FORMAT=form)
                check_said(ran)
                assert ran.code > 2, ran.err
        with Watched(faults=fault(kind, method=None, detail="day")) as box:
            profiles(home, box)
            for line in (["doctor", "-v"], ["account", "-v"], ["api", "get.account"]):
                check_said(comagic(*line, *named(way, box)[0]))
    assert leaks(home) == set()


def test_no_secret_where_the_account_is_refused(comagic, home, monkeypatch):
    with Watched() as box:
        profiles(home, box)
        monkeypatch.setattr(accounts, "TOKEN", "another")
        monkeypatch.setattr(accounts, "PASSWORD", "another")
        for way in WAYS:
            options, environ = named(way, box)
            for line in (EXPORT, ["doctor"]):
                ran = comagic(*line, "-v", *options, **environ)
                check_said(ran)
                assert ran.code == 4
    assert leaks(home) == set()


@pytest.mark.parametrize("error", [KeyError(TOKEN), RuntimeError(PASSWORD), OSError(5, "x", TOKEN)])
def test_no_secret_in_what_was_not_foreseen(comagic, home, monkeypatch, error):
    def fail(*_):
        raise error from ValueError(TOKEN)

    monkeypatch.setattr(Reader, "pages", fail)
    with Watched() as box:
        profiles(home, box)
        ran = comagic(*LINES[3], "-v", "--profile", "token")
    check_said(ran)
    assert ran.code in (1, 8)
    assert leaks(home) == set()


CONFIGS = [
    f"[profiles.token]\ntoken = [{json.dumps(TOKEN, ensure_ascii=False)}]\n",
    f"[profiles.token]\ntoken = {json.dumps(TOKEN + ' ' + TOKEN, ensure_ascii=False)}\n",
    f"[profiles.token]\ntoken = {json.dumps(TOKEN, ensure_ascii=False)}\nlogin = '{LOGIN}'\n",
    f"[profiles.token]\ntoken = {json.dumps(TOKEN, ensure_ascii=False)[:-1]}\n",
    f"[profiles.token]\npassword = {json.dumps(PASSWORD, ensure_ascii=False)}\n",
    f"token = {json.dumps(TOKEN, ensure_ascii=False)}\n",
    "[profiles.token]\ntoken-command = ['sh', '-c', 'cat ../token/file; exit 1']\n",
]


@pytest.mark.parametrize("text", CONFIGS)
def test_no_secret_in_what_is_said_of_a_wrong_file(comagic, home, text):
    file = home / "config" / "comagic" / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    for line in ([*EXPORT, "-v"], ["doctor"], ["profiles"], ["profiles", "show"], ["logout"]):
        check_said(comagic(*line, COMAGIC_PROFILE="token"))


def test_no_secret_while_logging_in_and_out(comagic, home, monkeypatch):
    with Watched() as box:
        for lines in ([TOKEN], ["", LOGIN, PASSWORD], ["another"], ["", LOGIN, "wrong"], ["a b"]):
            person(monkeypatch, *lines)
            check_said(comagic("login", "me", "--base-url", box.url, "-v"))
        check_said(comagic(*EXPORT, "-v", "--profile", "me"))
        piped(monkeypatch, TOKEN.encode())
        check_said(comagic("login", "it", "--base-url", box.url, "--with-token", "-v"))
        for line in (["profiles"], ["profiles", "show", "me"], ["logout", "me"]):
            check_said(comagic(*line))
    assert leaks(home) == set()


def read_or_gone(path):
    """Read what is said of a process, of which nothing is once it has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_no_secret_in_the_arguments_of_a_process(home):
    """What is seen of the program and of the command that it runs while that prints the token."""
    with Watched(rows=1) as box:
        file = profiles(home, box)
        fifo = home / "gate"
        command = ["sh", "-c", f"cat {fifo} > /dev/null; cat {home}/token/file"]
        text = file.read_text().replace(f"['cat', '{home}/token/file']", json.dumps(command))
        file.write_text(text)
        os.mkfifo(fifo)
        environ = environment(home, XDG_CONFIG_HOME=str(home / "config"))
        process = start([*EXPORT, "--profile", "command"], environ)
        with fifo.open("w"):  # opens once the command reads
            seen = b"".join(
                line
                for line in map(read_or_gone, Path("/proc").glob("[0-9]*/cmdline"))
                if str(home).encode() in line or b"comagic_cli" in line
            )
        ran = ended(process)
    assert (ran.code, ran.err) == (0, "")
    assert b"gate" in seen
    assert found_in(seen) == set()
