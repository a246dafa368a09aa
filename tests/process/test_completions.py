from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
import shells
from coverage_marks import measured
from program import HOME, PATIENCE, Watched, environment

from comagic_cli.cli import completion as offers
from comagic_cli.query.catalog import report
from comagic_cli.query.period import resolve

FILES = {"bash": "comagic.bash", "zsh": "_comagic", "fish": "comagic.fish"}
ON = "comagic communications "


@pytest.mark.parametrize("shell", FILES)
def test_the_scripts_are_what_the_program_prints(comagic, shell):
    ran = comagic("completion", shell)
    kept = (HOME / "completions" / FILES[shell]).read_text()
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == kept, f"type: comagic completion {shell} > completions/{FILES[shell]}"


def test_the_scripts_are_all_there_is():
    assert sorted(path.name for path in (HOME / "completions").iterdir()) == sorted(FILES.values())


# What is offered, asked in process as fish asks

OFFERED = [
    ("comagic comm", ["communications", "communications-report"]),
    ("comagic chats --fo", ["--format"]),
    ("comagic log", ["login", "logout"]),
    ("comagic chats --base-url c", ["comagic", "callgear", "callgear-ae"]),
    ("comagic profiles ", ["default", "list", "remove", "show"]),
    ("comagic login --with", ["--with-token"]),
    ("comagic help d", ["deals", "doctor", "dates"]),
    ("comagic help po", ["points"]),
    ("comagic help prof", ["profiles"]),
    ("comagic help profiles ", ["default", "list", "remove", "show"]),
    ("comagic help calls ", []),
    ("comagic calls --tz Europe/Mos", ["Europe/Moscow"]),
    ("comagic login --tz Asia/Om", []),
    ("comagic calls --report-id ", []),
    ("comagic calls --user-id ", ["all"]),
    ("comagic calls --user-id 7001,", []),
    ("comagic account --user-id ", []),
    (
        "comagic chats --format ",
        ["table", "csv", "tsv", "jsonl", "json", "xlsx", "parquet", "sqlite"],
    ),
    ("comagic chats --format=j", ["jsonl", "json"]),
    ("comagic api getobj.", ["getobj.columns_tree", "getobj.report_state"]),
    ("comagic api get.sms -f ", ["table", "csv", "tsv", "jsonl", "json"]),
    (ON + "--period last", ["last-week", "last-month", "last-year"]),
    (ON + "--from yes", ["yesterday"]),
    (ON + "--fields communication_d", ["communication_date_time"]),
    (ON + "--fields tags,utm_s", ["tags,utm_source"]),
    (ON + "--fields tags,@a", ["tags,@all", "tags,@ad_system"]),
    (ON + "--fields @default,@d", ["@default,@device"]),
    (ON + "--sort communication_da", ["communication_date_time"]),
    (
        ON + "--sort communication_date_time:",
        ["communication_date_time:asc", "communication_date_time:desc"],
    ),
    (ON + "--sort tags,communication_da", ["tags,communication_date_time"]),
    (ON + "--fields @all,-ta", ["@all,-tags", "@all,-tag_from"]),
    (ON + "--fields @all,-tags,-ta", ["@all,-tags,-tag_from"]),
    (ON + "--fields tags,ta", ["tags,tag_from"]),
    (ON + "--fields --so", ["--sort"]),
    (ON + "--output --so", ["--sort"]),
    (ON + "--from --per", ["--period"]),
    (ON + "--verbose --per", ["--period"]),
    (ON + "--where call_s", ["call_status"]),
    (ON + "--where (call_s", ["(call_status"]),
    (ON + "--where source=x", []),
    ("comagic chat", ["chats", "chats-report", "chat-messages-report"]),
    ("comagic list emp", ["employee-positions", "employees"]),
    ("comagic list employees --fields full", ["full_name"]),
    ("comagic fields mgf", ["mgf-calls"]),
    ("comagic fields calls --se", ["--search"]),
    ("comagic filters sm", ["sms"]),
    (
        "comagic filters calls call_st",
        ["call_start_date_time", "call_start_date", "call_start_time", "call_status"],
    ),
    ("comagic filters calls cdr", []),
    ("comagic filters nothing ", []),
    ("comagic reports --type person", ["person_summary"]),
    ("comagic reports --type api_", ["api_requests"]),
    ("comagic reports -f c", ["csv"]),
    ("comagic completion ", ["bash", "zsh", "fish"]),
    ("comagic sandbox --r", ["--rows"]),
    (ON + "--max-rows ", []),
    (ON + "--period bogus --verb", ["--verbose"]),
]


def offered(comagic, line, word=None, **more):
    if word is None:
        word = "" if line.endswith(" ") else line.split()[-1]
    asked = {"_COMAGIC_COMPLETE": "fish_complete", "COMP_WORDS": line, "COMP_CWORD": word}
    ran = comagic(**asked, **more)
    assert (ran.code, ran.err) == (0, "")
    return [item.partition(",")[2] for item in ran.out.split("\n") if item]


@pytest.mark.parametrize(("line", "values"), OFFERED)
def test_what_is_offered(comagic, line, values):
    assert [item.partition("\t")[0] for item in offered(comagic, line)] == values


# What is typed, and what is offered of what the account was asked for before.
SAVED = [
    (["calls", "--report-id", "100"], [f"100{number}" for number in range(1, 10)]),
    (["calls", "--report-id", "Зв"], ["Звонки"]),
    (["calls", "--report-id", "History"], []),
    (["calls", "--user-id", ""], ["7001", "7002", "7003", "all"]),
    (["calls", "--user-id", "7001,70"], ["7001,7002", "7001,7003"]),
    (["account", "--user-id", ""], ["7001", "7002", "7003"]),
    (["chart", "calls", "--report-id", "1002"], ["1002"]),
]


@pytest.mark.parametrize(("words", "values"), SAVED)
def test_what_is_saved_is_offered_without_a_call(comagic, words, values):
    line = " ".join(["comagic", *words])
    with Watched(rows=1, agent=True) as box:
        assert comagic("reports", "--user-id", 7001, box=box).code == 0
        assert comagic("users", box=box).code == 0
        calls = len(box.journal)
        asked = {"COMAGIC_TOKEN": box.token, "COMAGIC_BASE_URL": box.url}
        items = offered(comagic, line, words[-1], **asked)
        assert len(box.journal) == calls
    assert [item.partition("\t")[0] for item in items] == values


def test_each_profile_has_its_own_reports_and_users(comagic, tmp_path, monkeypatch):
    file = tmp_path / "comagic" / "config.toml"
    file.parent.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with Watched(rows=1) as box:
        profile = f'base-url = "{box.url}"\ntoken = "{box.token}"\n'
        file.write_text(f"[profiles.one]\n{profile}[profiles.two]\n{profile}")
        file.chmod(0o600)
        assert comagic("doctor", "--profile", "one").code == 0
    line = "comagic calls --profile {} --report-id 1002"
    assert offered(comagic, line.format("one")) == ["1002\tЗвонки"]
    assert offered(comagic, line.format("two")) == []
    assert offered(comagic, line.format("none")) == []


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("call_status = x and call_s", ["call_status = x and call_status"]),
        ("(source = x or  call_s", ["(source = x or  call_status"]),
        ("source = x or (call_s", ["source = x or (call_status"]),
        ("call_status ", []),
        ("call_status = band call_s", []),
        ("call_status = 'x' call_s", []),
    ],
)
def test_fields_are_offered_where_a_condition_begins(comagic, word, values):
    quoted = f"'{word}"
    items = offered(comagic, f"{ON}--where {quoted}", quoted)
    assert [item.partition("\t")[0] for item in items] == values


@pytest.mark.parametrize(
    "line", [ON + "--profile ", "comagic logout ", "comagic profiles show ", "comagic login "]
)
def test_profiles_are_offered_and_nothing_of_their_secrets(comagic, tmp_path, monkeypatch, line):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "comagic" / "config.toml"
    assert offered(comagic, line) == []
    file.parent.mkdir()
    file.write_text(
        "[profiles.work]\ntoken = 'a'\nbase_url = 'uis'\n[profiles.home]\n"
        "[profiles.odd]\nbase-url = 5\n[profiles.own]\nbase-url = 'https://x.example'\n"
    )
    file.chmod(0o600)
    own = "own\thttps://x.example"
    assert offered(comagic, line) == ["work\tuis", "home\tcomagic", "odd", own]
    assert [item[:4] for item in offered(comagic, f"{line}w")] == ["work"]
    file.chmod(0o644)
    assert offered(comagic, line) == []


def test_every_field_and_group_is_offered(comagic):
    fields = report("communications").fields
    groups = dict.fromkeys(f"@{field.group}" for field in fields)
    items = [item.partition("\t")[0] for item in offered(comagic, ON + "--fields ")]
    assert items == [*(field.name for field in fields), "@default", "@all", "@custom", *groups]


def test_only_what_can_be_sorted_by_is_offered(comagic):
    names = [field.name for field in report("calls").fields if field.sort]
    items = [item.partition("\t")[0] for item in offered(comagic, "comagic calls --sort ")]
    assert items == names


@pytest.mark.parametrize(
    "line",
    [
        *("comagic ", ON + "--", ON + "--period ", ON + "--from ", ON + "--fields "),
        *(ON + "--sort ", ON + "--where ", "comagic fields ", "comagic filters calls "),
        *("comagic reports --type ", "comagic api "),
    ],
)
def test_everything_has_a_short_help(comagic, line):
    helps = [item.partition("\t")[2] for item in offered(comagic, line)]
    assert all(1 < len(help_) < 70 for help_ in helps)


def test_the_dates_that_are_offered_are_dates():
    def now():
        return datetime(2024, 10, 8, 12, tzinfo=UTC)

    for word in offers.PERIODS:
        assert resolve(None, None, word, now, now).start < now().replace(tzinfo=None)
    for word in offers.MOMENTS:
        assert resolve(word, None, None, now, now).end <= now().replace(tzinfo=None)


def test_a_wrong_question_is_no_crash(comagic):
    assert comagic(_COMAGIC_COMPLETE="tcsh_complete").code == 1


def test_nothing_that_talks_to_the_network_is_loaded(tmp_path):
    code = (
        "import sys; from comagic_cli.cli.main import main; main([])\n"
        "sys.exit(str({'requests', 'urllib3', 'ssl'} & set(sys.modules) or ''))"
    )
    asked = {"COMP_WORDS": "comagic\ncommunications\n--fields\ntags,", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, _COMAGIC_COMPLETE="bash_complete", **asked) | measured(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.stderr.strip(), done.stdout.count("\n") > 100) == ("", True)


# Real shells

LINES = [
    ("comagic notif", "comagic notifications "),
    (ON + "--fields utm_source,utm_med", ON + "--fields utm_source,utm_medium "),
    (ON + "-o mon", ON + "-o month.csv "),
    (ON + "--profile wo", ON + "--profile work "),
    ("echo x | comagic notif", "echo x | comagic notifications "),
    (ON + "--from -7d --fo", ON + "--from -7d --format "),
    ("comagic filters calls is_co", "comagic filters calls is_coach_handled_call "),
]


@pytest.fixture(scope="module", params=["bash", "zsh"])
def shell(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "month.csv").touch()
    shells.profile(folder, "work")
    opened = getattr(shells, request.param)(folder)
    yield opened
    opened.close()


@pytest.mark.parametrize(("line", "becomes"), LINES)
def test_a_real_shell_completes_a_line(shell, line, becomes):
    assert shell.completed(line)[0] == becomes


def test_a_real_zsh_shows_the_help(tmp_path):
    opened = shells.zsh_with_source(tmp_path)
    assert opened.completed("comagic mgf")[0] == "comagic mgf-calls "
    _, shown = opened.completed(ON + "--period last-")
    opened.close()
    assert "last-week" in shown
    assert "-- Monday to Sunday" in shown


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("comagic mgf", ["mgf-calls\tCalls of the MegaFon integration"]),
        (
            ON + "--fields tags,utm_med",
            ["tags,utm_medium\tUTM tag of the medium: kind of advertising"],
        ),
        (ON + "--profile wo", ["work\tuis"]),
        ("X=1 comagic mgf", ["mgf-calls\tCalls of the MegaFon integration"]),
    ],
)
def test_a_real_fish_offers(tmp_path, line, items):
    (tmp_path / "month.csv").touch()
    shells.profile(tmp_path, "work")
    assert shells.fish(tmp_path, line) == items


def test_a_missing_shell_fails_only_where_all_are_promised(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception):
        shells.need("zsh")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception):
        shells.need("zsh")
