"""What help teaches: every example of every help is run, in order, against the sandbox."""

from __future__ import annotations

import re
import shlex

import pytest
from coverage_marks import unmeasured
from examples import commands, examples, help_of, run_line
from program import HOME, Ran, Watched

from comagic_cli import errors
from comagic_cli.cli import completion as offers
from comagic_cli.cli import help as tables
from comagic_cli.cli.help import OTHER_TOPICS, TOPICS
from comagic_cli.errors import ExitCode
from comagic_cli.query.catalog import reports

ALL = commands()
# These ask a person, or end when they are stopped: tests of their own run them.
BY_HAND = {"comagic login", "comagic login work --base-url uis", "comagic sandbox --port 8080"}
BY_HAND |= {
    "comagic sandbox --rows 1000000",
    "comagic sandbox --agent",
    "comagic sandbox --older-only",
    "comagic sandbox --trap cut --trap late",
    "comagic sandbox --trap all --trap token --trap no-ranges",
}
SERVED = {"comagic communications --period yesterday"}
PROFILE = """\
default = "work"
[profiles.work]
base-url = "{}"
token = "sandbox-token"
"""


@pytest.fixture
def at_home(tmp_path, monkeypatch, request):
    """Be in a folder of one's own, with a profile and a password manager."""
    config = tmp_path / "config" / "comagic" / "config.toml"
    config.parent.mkdir(parents=True)
    (tmp_path / "key.txt").write_text("sandbox-token\n")
    (tmp_path / "key.txt").chmod(0o600)
    manager = tmp_path / "bin" / "pass"
    manager.parent.mkdir()
    manager.write_text("#!/bin/sh\necho sandbox-token\n")
    manager.chmod(0o700)
    (tmp_path / "token.txt").write_text("sandbox-token\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with Watched(agent="comagic users" in request.node.name) as box:
        config.write_text(PROFILE.format(box.url))
        config.chmod(0o600)
        yield tmp_path, box


@unmeasured
@pytest.mark.parametrize("name", ALL)
def test_every_help_begins_with_examples_that_work(comagic, at_home, name):
    home, box = at_home
    lines = examples(help_of(name, ALL[name]))
    assert 1 <= len(lines) <= 6
    path = f"{home}/bin:/usr/bin:/bin"
    account = {"COMAGIC_BASE_URL": box.url, "XDG_CONFIG_HOME": str(home / "config")}
    for line in lines:
        if line in BY_HAND or line.startswith(("export ", "comagic completion")):
            continue
        if line in SERVED or name == "comagic users":
            account |= {"COMAGIC_TOKEN": box.token}
        if name == "comagic login":
            account |= {"PATH": path} if "token-command" in line else {}
        ran = run_line(comagic, line, home, **account)
        assert ran.code == 0, f"{line}\n{ran.err}"
        assert box.token not in ran.out + ran.err


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_fits_and_its_examples_work(comagic, at_home, topic):
    home, _ = at_home
    ran = comagic("help", topic)
    assert (ran.code, ran.err) == (0, "")
    lines = examples(ran.out)
    assert lines or topic == "errors"
    assert [line for line in ran.out.splitlines() if len(line) > 80] == []
    for line in lines:
        words = shlex.split(line)
        variables = dict(word.split("=", 1) for word in words if word.startswith("COMAGIC_"))
        done = run_line(comagic, line[line.index("comagic ") :], home, **variables)
        assert done.code == 0, f"{line}\n{done.err}"


def test_help_lists_commands_and_topics(comagic):
    ran = comagic("help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(comagic("--help").out)
    listed = ran.out.partition("Topics of comagic help:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == [*TOPICS]


@pytest.mark.parametrize("name", ["calls", "profiles", "help", "chart"])
def test_help_of_a_command_is_its_own(comagic, name):
    assert comagic("help", name) == comagic(name, "--help")


def test_help_of_a_command_of_a_group_is_its_own(comagic):
    assert comagic("help", "profiles", "show") == comagic("profiles", "show", "--help")


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("where", "filters"),
        ("Filter", "filters"),
        ("period", "dates"),
        ("date", "dates"),
        ("excel", "formats"),
        ("limits", "points"),
        ("exit codes", "exit-codes"),
    ],
)
def test_topics_have_other_names(comagic, words, topic):
    assert comagic("help", *words.split()) == comagic("help", topic)


def test_other_names_are_of_topics_and_of_no_command():
    names = {name.removeprefix("comagic ") for name in ALL}
    assert set(OTHER_TOPICS.values()) <= set(TOPICS)
    assert set(OTHER_TOPICS) & (names | set(TOPICS)) == set()


TOPICS_ARE = f"Topics: {', '.join(TOPICS)}."


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("wat", TOPICS_ARE),
        ("filtres", "Did you mean filters?"),
        ("doctr", "Did you mean doctor?"),
        ("profiles shw", "Did you mean profiles show?"),
        ("profiles show work", "Did you mean profiles show?"),
    ],
)
def test_there_is_no_help_of_what_is_neither(comagic, words, hint):
    told = f"comagic: there is no topic or command {words!r}\n  {hint}\n"
    assert comagic("help", *words.split()) == Ran(2, "", told)


def test_nothing_typed_is_help(comagic):
    assert comagic() == comagic("--help")
    assert comagic().code == 0


def test_the_list_of_commands_says_which_report_to_choose(comagic):
    out = comagic("--help").out
    assert "e-mails together; with UTM\n" in out
    assert "  calls           Calls; with employees\n" in out
    assert len(out.splitlines()) <= 55


@unmeasured
def test_every_help_fits_80_columns():
    texts = {name: help_of(name, command) for name, command in ALL.items()}
    long = [(name, line) for name in texts for line in texts[name].splitlines() if len(line) > 80]
    assert long == []


def test_every_error_has_its_exit_code_in_the_one_table():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.ComagicError)}
    stopped = {ExitCode.INTERRUPTED, ExitCode.TERMINATED, ExitCode.PIPE_CLOSED}
    assert {ExitCode.COMPLETE} | codes | stopped == set(ExitCode)
    assert [*ExitCode] == sorted(ExitCode)
    assert [int(code) for code in ExitCode] == [*range(10), 130, 141, 143]


def test_every_variable_that_the_code_names_is_told(comagic):
    told = comagic("help", "environment").out
    source = "".join(path.read_text() for path in (HOME / "comagic_cli").rglob("*.py"))
    named = set(re.findall(r'"(COMAGIC_[A-Z_]+[A-Z])"', source))
    assert {name for name in named if f"  {name} " not in told} == set()


def test_the_words_and_formats_are_all_in_their_pages(comagic):
    dates, formats = comagic("help", "dates").out, comagic("help", "formats").out
    assert [word for word in {**offers.PERIODS, **offers.MOMENTS} if word not in dates] == []
    assert [name for name in offers.FORMATS if f"  {name} " not in formats] == []


@pytest.mark.parametrize(
    ("arguments", "topic"),
    [
        (["--from", "2026-13-01"], "dates"),
        (["--period", "soon"], "dates"),
        (["-o", "x.docx"], "formats"),
        (["--where", "call_status ="], "filters"),
    ],
)
def test_errors_point_at_the_page_that_helps(comagic, arguments, topic):
    ran = comagic("calls", "--sandbox", *arguments)
    assert (ran.code, f"see comagic help {topic}" in ran.err.lower()) == (2, True)


def test_tables_name_commands_below_commands():
    assert "comagic profiles show" in dict(tables.commands(ALL["comagic"]))


MAIN = [
    *("--period", "--from", "--till", "--fields", "--where", "--sort", "--format", "--output"),
    *("--max-rows", "--count", "--dry-run", "--profile", "--user-id", "--sandbox", "--help"),
]
RARE = ["--filter-json", "--page-size", "--table", "--manifest", "--keep-incomplete"]


@pytest.mark.parametrize("entry", reports(), ids=lambda entry: entry.command)
def test_help_of_an_export_begins_with_the_main_options_and_ends_with_the_rare(comagic, entry):
    out = comagic(entry.command, "--help").out
    sections = re.split(r"\n(?=\w[\w ]*:\n)", out.partition("\n\n  The default --format")[0])
    options = [re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE) for text in sections]
    assert [sections[place].split(":")[0] for place in (1, -1)] == ["Main options", "Rarely needed"]
    assert [name for name in options[1] if name != "--ids"] == MAIN
    assert [name for name in options[-1] if name in RARE] == RARE
    every = [name for names in options for name in names]
    assert len(every) == len(set(every))
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "is_by_time"),
    [
        ("calls", True),
        ("calls-report", True),
        ("visitor-sessions-report", False),  # the service sorts visits by itself
        ("employee-stat", False),  # sums have no time
        ("list employees", False),
    ],
)
def test_help_names_the_order_by_time_only_where_there_is_one(comagic, words, is_by_time):
    text = " ".join(comagic(*words.split(), "--help").out.split())
    assert "--sort" in text
    assert ("[default: by time]" in text) == is_by_time
