"""comagic profiles and logout: what is told and forgotten."""

from __future__ import annotations

import json

import pytest
from program import REPORT, Watched, fault

from comagic_cli.config.profiles import read_profiles

TEXT = """\
default = "work"

[profiles.work]
base-url = "{url}"
login = "sandbox"
password = "sandbox"
timezone = "Europe/Moscow"
format = "csv"
fields = ["communication_id", "communication_date_time"]

[profiles.work.calls]
page-size = 5

[profiles.home]
base-url = "uis"
token-command = "pass show comagic"
user-id = 7001
tz = "Asia/Omsk"

[profiles.bare]
"""


@pytest.fixture
def box():
    with Watched(rows=3) as served:
        yield served


@pytest.fixture
def file(tmp_path, monkeypatch, box):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("COMAGIC_JOBS")  # it would be shown
    path = tmp_path / "comagic" / "config.toml"
    path.parent.mkdir()
    put(path, TEXT.format(url=box.url))
    return path


def put(path, text):
    path.write_text(text)
    path.chmod(0o600)


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("words", [["profiles"], ["profiles", "list"]])
def test_the_list_of_profiles(comagic, box, words):
    ran = comagic(*words)
    pad = " " * (len(box.url) - 3)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"*  work  {box.url}  login                            Europe/Moscow\n"
        f"   home  uis{pad}  token from a command  user 7001  Asia/Omsk\n"
        f"   bare  comagic{pad[4:]}  no token\n"
    )


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("words", [["profiles"], ["profiles", "list"]])
def test_the_list_of_profiles_as_json(comagic, box, words):
    ran = comagic(*words, "-f", "json")
    assert (ran.code, ran.err) == (0, "")
    assert [list(row.values()) for row in json.loads(ran.out)] == [
        [True, "work", box.url, "login", "", "Europe/Moscow"],
        [False, "home", "uis", "token from a command", "7001", "Asia/Omsk"],
        [False, "bare", "comagic", "no token", "", ""],
    ]
    assert [*json.loads(ran.out)[0]] == [
        *("default", "name", "service", "credentials", "users", "timezone")
    ]


def test_no_profiles_as_json(comagic, file):
    file.unlink()
    ran = comagic("profiles", "-f", "json")
    told = f"There are no profiles in {file}. Make one: comagic login\n"
    assert (ran.code, ran.out, ran.err) == (0, "[]\n", told)


def test_the_settings_of_a_profile_as_json(comagic, file, box):
    ran = comagic("profiles", "show", "work", "-f", "json")
    shown = json.loads(ran.out)
    assert (ran.code, ran.err, shown["profile"], shown["file"]) == (0, "", "work", str(file))
    assert {"name": "login", "value": "***", "source": "profile"} in shown["settings"]
    assert {"name": "base-url", "value": box.url, "source": "profile"} in shown["settings"]
    assert {"name": "format", "value": "csv", "source": "profile"} in shown["settings"]


def test_no_profiles(comagic, file):
    file.unlink()
    ran = comagic("profiles")
    told = f"There are no profiles in {file}. Make one: comagic login\n"
    assert (ran.code, ran.out, ran.err) == (0, "", told)
    put(file, "[profiles.home]\n")
    assert comagic("profiles").out == "home  comagic  no token\n"
    assert comagic("profiles", "show").err == (
        f"comagic: {file}: there is no default profile\n  Profiles: home.\n"
    )
    put(file, "default = 'gone'\n[profiles.home]\n")
    assert comagic("profiles").out == "home  comagic  no token\n"


SHOWN = """\
profile          work                                       {file}
login            ***                                        profile
password         ***                                        profile
timezone         Europe/Moscow                              profile, saved by login
base-url         {url}  profile
fields           communication_id, communication_date_time  profile
format           csv                                        profile
calls.page-size  5                                          profile
"""


def columns(text):
    """Read a table of columns that are two blanks apart; the order of rows is of no matter."""
    return sorted(
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()
    )


@pytest.mark.parametrize("words", [[], ["work"]])
def test_what_holds_with_a_profile(comagic, file, box, words):
    ran = comagic("profiles", "show", *words)
    assert (ran.code, ran.err) == (0, "")
    assert columns(ran.out) == columns(SHOWN.format(file=file, url=box.url))


def test_what_holds_with_an_environment(comagic, file):
    variables = {"COMAGIC_FORMAT": "json", "COMAGIC_TOKEN": "secret", "COMAGIC_TIMEOUT": "5"}
    ran = comagic("profiles", "show", **variables, COMAGIC_PROFILE="home")
    assert columns(ran.out) == columns(
        f"profile  home  {file}\n"
        "token  ***  COMAGIC_TOKEN\n"
        "token-command  pass ***  profile, but COMAGIC_TOKEN overrides it\n"
        "base-url  https://dataapi.uiscom.ru/v2.0  profile\n"
        "user-id  7001  profile\n"
        "tz  Asia/Omsk  profile\n"
        "format  json  COMAGIC_FORMAT\n"
        "timeout  5.0  COMAGIC_TIMEOUT\n"
    )
    assert ["base-url", "https://dataapi.comagic.ru/v2.0", "default"] in columns(
        comagic("profiles", "show", "bare").out
    )


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("'get-token'", "get-token"),
        ("['printf', 'secret']", "printf ***"),
        ("' a  secret'", "a ***"),
    ],
)
def test_the_arguments_of_a_command_may_be_secrets(comagic, file, command, shown):
    file.write_text(f"[profiles.work]\ntoken-command = {command}\n")
    ran = comagic("profiles", "show", "work")
    assert ["token-command", shown, "profile"] in columns(ran.out)
    assert "secret" not in ran.out + ran.err


def test_the_default_profile_is_changed(comagic, file):
    assert comagic("profiles", "default").out == "work\n"
    assert comagic("profiles", "default", "home").code == 0
    assert comagic("profiles", "default").out == "home\n"
    assert comagic("profiles", "default", "hom").err == (
        f"comagic: {file}: there is no profile 'hom'\n"
        "  Profiles: home. Make a new one: comagic login hom\n"
    )


def test_a_profile_is_removed(comagic, file, box):
    ran = comagic("profiles", "remove", "home")
    assert (ran.code, ran.out, ran.err) == (0, "", f"Profile home is removed from {file}.\n")
    assert "home" not in file.read_text()
    assert comagic("profiles", "remove", "work").code == 0
    assert file.read_text() == "\n[profiles.bare]\n"
    assert box.methods == []
    assert comagic("profiles", "remove", "work").code == 2


@pytest.mark.parametrize("words", [["logout"], ["profiles", "remove", "work"]])
@pytest.mark.parametrize("faults", [(), fault("503", method="logout.user")])
def test_a_session_is_ended(comagic, file, words, faults, tmp_path):
    with Watched(rows=3, faults=faults) as box:
        put(file, TEXT.format(url=box.url))
        assert comagic(*REPORT).code == 0
        assert comagic(*words).code == 0
    assert box.methods[-1] == "logout.user"
    assert box.methods.count("login.user") == 1
    kept = [path.name for path in (tmp_path / "cache").rglob("session-*")]
    assert [name for name in kept if not name.endswith(".lock")] == []


def test_logout_leaves_the_defaults(comagic, file, box):
    ran = comagic("logout", COMAGIC_TOKEN="x")
    told = "Profile work has no token any more. COMAGIC_TOKEN is still set.\n"
    assert (ran.code, ran.out, ran.err, box.methods) == (0, "", told, [])
    assert read_profiles(file).tables["work"] == {
        "base-url": box.url,
        "format": "csv",
        "fields": ["communication_id", "communication_date_time"],
        "calls": {"page-size": 5},
    }
    assert comagic("logout", "home").err == "Profile home has no token any more.\n"
    assert read_profiles(file).tables["home"] == {"base-url": "uis", "tz": "Asia/Omsk"}
    ran = comagic(*REPORT)
    assert (ran.code, "there is no token for the account" in ran.err) == (2, True)
