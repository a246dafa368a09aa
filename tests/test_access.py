from __future__ import annotations

import os

import pytest

from comagic_cli.config.credentials import Account, Login, find_access, read_token
from comagic_cli.errors import UsageProblem


def key_file(path, content="key-of-file\n", mode=0o600):
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
def test_where_the_key_is_found(tmp_path, monkeypatch, option, environment, token):
    monkeypatch.chdir(tmp_path)
    for name in ("file", "other"):
        key_file(tmp_path / name, f"of-{name}\n")
    assert find_access(option, environment).token == token


@pytest.mark.parametrize("environment", [{}, {"COMAGIC_TOKEN": " ", "COMAGIC_TOKEN_FILE": ""}])
def test_no_key_at_all(environment):
    with pytest.raises(UsageProblem) as caught:
        find_access(None, environment)
    assert caught.value.message == "there is no key to the account"
    assert caught.value.hint == (
        "Type comagic login, or put the key in COMAGIC_TOKEN or a file for --token-file; "
        "or try --sandbox."
    )


@pytest.mark.parametrize("content", ["key", "key\n", "\r\n key \r\n", b"\xef\xbb\xbfkey\r\n"])
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_key_is_read_from_its_file(tmp_path, content, mode):
    assert read_token(key_file(tmp_path / "key", content, mode), "--token-file") == "key"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    path = key_file(tmp_path / "my key", mode=mode)
    with pytest.raises(UsageProblem) as caught:
        read_token(path, "COMAGIC_TOKEN_FILE")
    assert caught.value.message == f"COMAGIC_TOKEN_FILE: {path} can be read by others"
    assert caught.value.hint == f"Type: chmod 600 '{path}'"


def test_a_key_may_come_through_a_pipe():
    reading, writing = os.pipe()
    os.write(writing, b"key\n")
    os.close(writing)
    assert find_access(f"/dev/fd/{reading}", {}).token == "key"
    os.close(reading)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "{} can't be read: No such file or directory"),
        (b"\xff", "{} can't be read: it is no text"),
        ("", "the key is empty"),
        (" \n", "the key is empty"),
        ("secret one", "the key has blanks or line breaks in it"),
        ("secret\none", "the key has blanks or line breaks in it"),
    ],
)
def test_a_file_that_holds_no_key(tmp_path, content, why):
    path = tmp_path / "key"
    if content is not None:
        key_file(path, content)
    with pytest.raises(UsageProblem) as caught:
        find_access(str(path), {})
    assert caught.value.message == f"--token-file: {why.format(path)}"


def test_a_folder_is_no_key(tmp_path):
    with pytest.raises(UsageProblem) as caught:
        find_access(str(tmp_path), {})
    assert caught.value.message == f"--token-file: {tmp_path} can't be read: Is a directory"


def test_a_key_of_the_environment_with_a_blank_in_it():
    with pytest.raises(UsageProblem) as caught:
        find_access(None, {"COMAGIC_TOKEN": "secret one"})
    assert caught.value.message == "COMAGIC_TOKEN: the key has blanks or line breaks in it"


def test_an_account_does_not_show_its_key():
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
def test_a_key_goes_before_a_login(tmp_path, monkeypatch, option, environment, access):
    monkeypatch.chdir(tmp_path)
    for name in ("file", "other"):
        key_file(tmp_path / name, f"of-{name}\n")
    found = find_access(option, environment)
    assert (found.login or found.token) == access


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "there is no key to the account"),
        ({"COMAGIC_LOGIN": " ", "COMAGIC_PASSWORD": ""}, "there is no key to the account"),
        ({"COMAGIC_LOGIN": "me"}, "COMAGIC_LOGIN is set, but COMAGIC_PASSWORD is not"),
        ({"COMAGIC_PASSWORD": "x"}, "COMAGIC_PASSWORD is set, but COMAGIC_LOGIN is not"),
        (PAIR | {"COMAGIC_PASSWORD": "\udcff"}, "COMAGIC_PASSWORD is no UTF-8 text"),
        (PAIR | {"COMAGIC_LOGIN": "a\udcffb"}, "COMAGIC_LOGIN is no UTF-8 text"),
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
    accounts = [Account("u", "key"), Account("u", "", login=Login("key", "")), Account("u", "k")]
    assert len({account.owner for account in accounts}) == 3
