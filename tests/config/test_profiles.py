from __future__ import annotations

from pathlib import Path

import pytest

from comagic_cli.config.profiles import (
    Profile,
    Profiles,
    change_profiles,
    check_name,
    config_file,
    read_profiles,
)
from comagic_cli.errors import UsageProblem

TEXT = """\
default = "work"

[profiles.work]  # the firm
token = "one"
page_size = 10

[profiles.work.mgf-calls]
report_id = 7

[profiles.home]
token = "two"
"""
NEW = "Make a new one: comagic login "


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "comagic" / "config.toml"
    path.parent.mkdir()
    return path


def put(file, text):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(0o600)
    return file


def test_where_the_file_is(monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")
    assert config_file() == Path("/x/comagic/config.toml")


def test_a_user_without_a_home_has_no_file(monkeypatch):
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert config_file() is None
    assert read_profiles(None).choose(None) == Profile()


def test_profiles_are_read_with_hyphens_in_their_keys(file):
    found = read_profiles(put(file, TEXT))
    work = {"token": "one", "page-size": 10, "mgf-calls": {"report-id": 7}}
    assert found.choose(None) == found.choose("work") == Profile("work", file, work)
    assert found.choose("home").values == {"token": "two"}


@pytest.mark.parametrize(
    ("default", "names", "named", "chosen"),
    [
        ("", [], None, ""),
        ("", ["work"], None, ""),
        ("", ["work", "default"], None, "default"),
        ("work", ["work", "default"], None, "work"),
        ("work", ["work", "default"], "default", "default"),
        ("gone", ["work"], "work", "work"),
    ],
)
def test_which_profile_is_used(file, default, names, named, chosen):
    profiles = Profiles(file, default, {name: {} for name in names})
    assert profiles.choose(named).name == chosen


@pytest.mark.parametrize(
    ("text", "name", "message", "hint"),
    [
        (TEXT, "wrok", "there is no profile 'wrok'", "Profiles: work. " + NEW + "wrok"),
        (TEXT, "x", "there is no profile 'x'", "Profiles: work, home. " + NEW + "x"),
        ("", "x", "there is no profile 'x'", "Make it: comagic login x"),
        ("default = 'x'", None, "there is no profile 'x'", "Make it: comagic login x"),
        ("default = 1", None, "default is not the name of a profile", ""),
        ("profiles = 1", None, "profiles must be tables: [profiles.NAME]", ""),
        ("profiles.x = 'secret'", None, "profiles must be tables: [profiles.NAME]", ""),
        (
            "token = 'secret'",
            None,
            "'token' is not a known key",
            "At the top are default = NAME and tables [profiles.NAME].",
        ),
        (
            "[profiles.x]\npage_size = 1\npage-size = 2",
            "x",
            "x: page-size is set twice, with a hyphen and without",
            "",
        ),
    ],
)
def test_a_file_of_another_shape(file, text, name, message, hint):
    with pytest.raises(UsageProblem) as caught:
        read_profiles(put(file, text)).choose(name)
    assert (caught.value.message, caught.value.hint) == (f"{file}: {message}", hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", "{} is not TOML: Invalid value (at end of document)"),
        ("a = 'secret", '{} is not TOML: Expected "\'" (at end of document)'),
        (b"a = '\xff'", "profiles: {} can't be read: it is not UTF-8 text"),
        ("a = " + "[" * 5000, "{} is not TOML: it is nested too deeply"),
    ],
)
def test_a_file_that_is_no_toml(file, text, message):
    with pytest.raises(UsageProblem) as caught:
        read_profiles(put(file, text))
    assert caught.value.message == message.format(file)


def test_a_file_that_others_can_read(file):
    put(file, TEXT).chmod(0o644)
    with pytest.raises(UsageProblem) as caught:
        read_profiles(file)
    assert caught.value.hint == f"Type: chmod 600 {file}"


def test_no_secret_is_in_a_text(file):
    profiles = read_profiles(put(file, TEXT))
    assert "one" not in f"{profiles!r} {profiles.choose('work')!r} {profiles.choose('work')}"


@pytest.mark.parametrize("value", ["5", "' '", "['a']"])
def test_a_value_that_is_no_text(file, value):
    profile = read_profiles(put(file, f"[profiles.x]\ntoken = {value}")).choose("x")
    with pytest.raises(UsageProblem) as caught:
        profile.text("token")
    assert caught.value.message == f"{file}: profiles.x.token: it must be a text that is not empty"
    assert profile.text("login") == ""


def test_a_change_leaves_the_rest_as_it_was(file):
    change_profiles(put(file, TEXT), "home", {"token": "three"}, "home")
    assert file.read_text() == TEXT.replace('"two"', '"three"').replace('= "work"', '= "home"')
    change_profiles(file, "home", None, "")
    assert file.read_text() == TEXT[TEXT.index("\n[profiles.work]") : TEXT.index("[profiles.home]")]
    change_profiles(file, "work", None, "")
    assert read_profiles(file) == Profiles(file)


def test_the_first_profile_makes_the_file(tmp_path):
    file = tmp_path / "new" / "comagic" / "config.toml"
    change_profiles(file, "a b", {"token": "x"}, "a b")
    assert file.read_text() == 'default = "a b"\n\n[profiles."a b"]\ntoken = "x"\n'


@pytest.mark.parametrize("name", ["work", "7", "me@firm.example", "a_b-c", "фирма"])
def test_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "../x", "a\n", "x" * 65, "[a]"])
def test_no_names(name):
    with pytest.raises(UsageProblem, match="is not a name for a profile"):
        check_name(name)


LAYOUTS = [
    "[profiles]\nwork.token = 'a'\nwork.tz = 'x'\nhome.token = 'b'\n",
    "[profiles]\nwork = {token = 'a', tz = 'x'}\nhome = {token = 'b'}\n",
    "profiles.work.token = 'a'\nprofiles.work.tz = 'x'\nprofiles.home.token = 'b'\n",
    "[profiles.work]\ntoken = 'a'\n[profiles.home]\ntoken = 'b'\n[profiles.work.calls]\nx = 1\n",
    "[profiles.work.calls]\nx = 1\n[profiles.home]\ntoken = 'b'\n[profiles.work]\ntoken = 'a'\n",
    "# mine\n\n[profiles.home] # h\n token = 'b' # t\n[profiles.work]\ntoken='''a\n'''\n",
    "[profiles.home]\r\ntoken = 'b'\r\n",
]


@pytest.mark.parametrize("text", LAYOUTS)
@pytest.mark.parametrize("table", [None, {}, {"token": "c"}, {"token": "a", "calls": {"x": 2}}])
@pytest.mark.parametrize("default", ["", "home"])
def test_a_file_of_any_layout_is_changed(file, text, table, default):
    home = {"token": "b"}
    change_profiles(put(file, text), "work", table, default)
    wanted = {"home": home} if table is None else {"home": home, "work": table}
    changed = read_profiles(file)
    assert (changed.default, changed.tables) == (default, wanted)
    assert [
        line for line in text.splitlines() if "#" in line and line not in file.read_text()
    ] == []
