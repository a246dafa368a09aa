from __future__ import annotations

import os

import pytest

from comagic_cli.config.credentials import Account, Login, find_access, read_token
from comagic_cli.config.profiles import Profile
from comagic_cli.errors import UsageProblem

PAIR_OF_USER = {"COMAGIC_LOGIN": "of-user", "COMAGIC_PASSWORD": "word"}


def token_file(path, content="token-of-file\n", mode=0o600):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("option", "environment", "token"),
    [
        ("file", {"COMAGIC_TOKEN": "of-environment", "COMAGIC_TOKEN_FILE": "other"}, "of-file"),
        (
            None,
            {"COMAGIC_TOKEN": " of-environment\n", "COMAGIC_TOKEN_FILE": "other"},
            "of-environment",
        ),
        (None, {"COMAGIC_TOKEN_FILE": "other"}, "of-other"),
        (None, {"COMAGIC_TOKEN": " ", "COMAGIC_TOKEN_FILE": "other"}, "of-other"),
    ],
)
def test_where_the_token_is_found(tmp_path, monkeypatch, option, environment, token):
    monkeypatch.chdir(tmp_path)
    for name in ("file", "other"):
        token_file(tmp_path / name, f"of-{name}\n")
    assert find_access(option, environment).token == token


@pytest.mark.parametrize("environment", [{}, {"COMAGIC_TOKEN": " ", "COMAGIC_TOKEN_FILE": ""}])
def test_no_token_at_all(environment):
    with pytest.raises(UsageProblem) as caught:
        find_access(None, environment)
    assert caught.value.message == "there is no token for the account"
    assert caught.value.hint == (
        "Type comagic login, or put the token in COMAGIC_TOKEN or a file for --token-file; "
        "or try --sandbox."
    )


@pytest.mark.parametrize(
    "content", ["token", "token\n", "\r\n token \r\n", b"\xef\xbb\xbftoken\r\n"]
)
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_token_is_read_from_its_file(tmp_path, content, mode):
    assert read_token(token_file(tmp_path / "token", content, mode), "--token-file") == "token"


@pytest.mark.parametrize("mode", [0o444, 0o640, 0o604, 0o620, 0o601, 0o777])
@pytest.mark.parametrize("origin", ["--token-file", "COMAGIC_TOKEN_FILE", "profile"])
def test_a_token_file_that_others_can_read_is_a_warning(tmp_path, mode, origin):
    path = token_file(tmp_path / "my token", mode=mode)
    profile = Profile("work", tmp_path / "config.toml", {"token-file": "my token"})
    warnings = []
    access = find_access(
        str(path) if origin == "--token-file" else None,
        {"COMAGIC_TOKEN_FILE": str(path)} if origin == "COMAGIC_TOKEN_FILE" else {},
        profile if origin == "profile" else Profile(),
        warn=warnings.append,
    )
    place = f"{profile.file}: profiles.work.token-file" if origin == "profile" else origin
    assert access.token == "token-of-file"
    assert warnings == [
        f"{place}: {path} can be read by other users. If it is yours: chmod 600 '{path}'"
    ]


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_token_file_of_its_owner_is_no_warning(tmp_path, mode):
    path = token_file(tmp_path / "token", mode=mode)
    assert find_access(str(path), {}, warn=pytest.fail).token == "token-of-file"


HOSTS = [
    ("comagic", "https://dataapi.comagic.ru/v2.0", None),
    ("https://DataAPI.comagic.ru:443/", "https://dataapi.comagic.ru/v2.0", None),
    (None, "https://dataapi.comagic.ru/v3.0", None),
    ("dataapi.comagic.ru", "https://dataapi.comagic.ru/v2.0", None),
    (None, "https://evil.example/v2.0", ("dataapi.comagic.ru", "evil.example")),
    ("uis", "https://dataapi.comagic.ru/v2.0", ("dataapi.uiscom.ru", "dataapi.comagic.ru")),
    ("uis", "https://dataapi.uiscom.ru:8443", ("dataapi.uiscom.ru", "dataapi.uiscom.ru:8443")),
    ("http://127.0.0.1:1/", "http://127.0.0.1:2/v2.0", ("127.0.0.1:1", "127.0.0.1:2")),
    ("https://x.example:y", "https://x.example/v2.0", ("https://x.example:y", "x.example")),
]
SAVED = [
    {"token": "secret"},
    {"token-file": "no such file"},
    {"token-command": "no-such-command"},
    {"login": "me", "password": "secret"},
]


@pytest.mark.parametrize("values", SAVED)
@pytest.mark.parametrize(("saved", "url", "refused"), [row for row in HOSTS if row[2]])
def test_a_saved_token_goes_only_to_its_host(tmp_path, values, saved, url, refused):
    values = values | ({"base-url": saved} if saved else {})
    profile = Profile("work", tmp_path / "config.toml", values)
    with pytest.raises(UsageProblem) as caught:
        find_access(None, {}, profile, url=url)
    host, other = refused
    message = f"the token of profile work was saved for {host}; it is not sent to {other}"
    assert (caught.value.exit_code, caught.value.message) == (2, message)
    assert caught.value.hint == (
        f"Save a profile for that host: comagic login NAME --base-url {other}. "
        "Or give its token with COMAGIC_TOKEN or --token-file."
    )


@pytest.mark.parametrize(("saved", "url", "refused"), [row for row in HOSTS if not row[2]])
def test_the_same_host_is_known_in_any_spelling(saved, url, refused):
    profile = Profile("work", values={"token": "x"} | ({"base-url": saved} if saved else {}))
    assert (find_access(None, {}, profile, url=url).token, refused) == ("x", None)


@pytest.mark.parametrize("environment", [{"COMAGIC_TOKEN": "of-user"}, PAIR_OF_USER])
def test_a_token_of_the_environment_goes_where_the_user_says(environment):
    profile = Profile("work", values={"token": "x", "base-url": "uis"})
    found = find_access(None, environment, profile, url="https://other.example/v2.0")
    assert (found.token or found.login.login, found.profile) == ("of-user", "")


def test_a_token_may_come_through_a_pipe():
    reading, writing = os.pipe()
    os.write(writing, b"token\n")
    os.close(writing)
    assert find_access(f"/dev/fd/{reading}", {}).token == "token"
    os.close(reading)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "{} can't be read: No such file or directory"),
        (b"\xff", "{} can't be read: it is not UTF-8 text"),
        ("", "the token is empty"),
        (" \n", "the token is empty"),
        ("secret one", "the token has blanks or line breaks"),
        ("secret\none", "the token has blanks or line breaks"),
    ],
)
def test_a_file_that_holds_no_token(tmp_path, content, why):
    path = tmp_path / "token"
    if content is not None:
        token_file(path, content)
    with pytest.raises(UsageProblem) as caught:
        find_access(str(path), {})
    assert caught.value.message == f"--token-file: {why.format(path)}"


def test_a_folder_is_no_token(tmp_path):
    with pytest.raises(UsageProblem) as caught:
        find_access(str(tmp_path), {})
    assert caught.value.message == f"--token-file: {tmp_path} can't be read: Is a directory"


def test_a_token_of_the_environment_with_a_blank_in_it():
    with pytest.raises(UsageProblem) as caught:
        find_access(None, {"COMAGIC_TOKEN": "secret one"})
    assert caught.value.message == "COMAGIC_TOKEN: the token has blanks or line breaks"


def test_an_account_does_not_show_its_token():
    account = Account("https://x.example/v2.0", "secret", 7, "Europe/Moscow")
    assert f"{account} {account!r}" == " ".join(
        ["Account(url='https://x.example/v2.0', token=***, user_id=7, zone='Europe/Moscow')"] * 2
    )


PAIR = {"COMAGIC_LOGIN": " me@firm.example\n", "COMAGIC_PASSWORD": " pass word "}


@pytest.mark.parametrize(
    ("option", "environment", "access"),
    [
        ("file", PAIR, "of-file"),
        (None, PAIR | {"COMAGIC_TOKEN": "of-environment"}, "of-environment"),
        (None, PAIR | {"COMAGIC_TOKEN_FILE": "other"}, "of-other"),
        (None, PAIR, Login("me@firm.example", " pass word ")),
        (None, PAIR | {"COMAGIC_TOKEN": " "}, Login("me@firm.example", " pass word ")),
        ("file", {"COMAGIC_LOGIN": "me"}, "of-file"),
    ],
)
def test_a_token_goes_before_a_login(tmp_path, monkeypatch, option, environment, access):
    monkeypatch.chdir(tmp_path)
    for name in ("file", "other"):
        token_file(tmp_path / name, f"of-{name}\n")
    found = find_access(option, environment)
    assert (found.login or found.token) == access


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "there is no token for the account"),
        ({"COMAGIC_LOGIN": " ", "COMAGIC_PASSWORD": ""}, "there is no token for the account"),
        ({"COMAGIC_LOGIN": "me"}, "COMAGIC_LOGIN is set, but COMAGIC_PASSWORD is not"),
        ({"COMAGIC_PASSWORD": "x"}, "COMAGIC_PASSWORD is set, but COMAGIC_LOGIN is not"),
        (PAIR | {"COMAGIC_PASSWORD": "\udcff"}, "COMAGIC_PASSWORD is not UTF-8 text"),
        (PAIR | {"COMAGIC_LOGIN": "a\udcffb"}, "COMAGIC_LOGIN is not UTF-8 text"),
    ],
)
def test_half_of_a_login_is_none(environment, message):
    with pytest.raises(UsageProblem) as caught:
        find_access(None, environment)
    assert caught.value.message == message


def test_a_login_is_in_no_text():
    login = Login("me@firm.example", "word")
    account = Account("https://x.example/v2.0", "", 7, login=login)
    shown = f"{login!r} {login} {account!r} {account}"
    assert "me@firm.example" not in shown
    assert "word" not in shown


def test_accounts_are_told_apart():
    accounts = [
        Account("u", "token"),
        Account("u", "", login=Login("token", "")),
        Account("u", "k"),
    ]
    assert len({account.owner for account in accounts}) == 3
