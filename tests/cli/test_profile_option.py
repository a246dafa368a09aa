"""Where the value of an option comes from: flag, environment, profile, default."""

from __future__ import annotations

import json

import pytest
from program import DAYS, REPORT, TWO, Watched


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "comagic" / "config.toml"
    path.parent.mkdir()
    return path


@pytest.fixture(scope="module")
def box():
    with Watched(rows=30) as served:
        yield served


def profile(file, text, head='default = "work"\n[profiles.work]\n'):
    file.write_text(head + text)
    file.chmod(0o600)


def planned(comagic, command, *options, **environment):
    """Return the request of a dry run."""
    ran = comagic(command, *DAYS, "--dry-run", *options, **environment)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)["params"], ran.err


# Flag, environment and profile of an option; what is sent or told of it, with all three of them,
# without the flag, without the environment, and with nothing.
ID, SITE, TAGS = "communication_id", "site_name", "tags"
PRECEDENCE = [
    ("--report-id 1", "COMAGIC_REPORT_ID=2", "report-id = 3", "report_id", (1, 2, 3)),
    ("--user-id 1", "COMAGIC_USER_ID=2", "user-id = '3'", "user_id", (1, 2, 3)),
    ("--page-size 1", "", "page-size = 3", "limit", (1, 3, 3)),
    ("--sort communication_id", "", "sort = ['site_name']", "sort", (ID, SITE, SITE)),
    ("--fields tags", "COMAGIC_FIELDS=site_name", "fields='tags'", "fields", (TAGS, SITE, TAGS)),
    (
        *("--base-url uis", "COMAGIC_BASE_URL=callgear", "base-url = 'novofon'", "service"),
        ("uiscom.ru", "callgear.com", "novofon.ru"),
    ),
]  # fmt: skip
DEFAULTS = {"report_id": "(asked of the account)", "user_id": None, "limit": 10_000}


def shown(what, params, told):
    """Shorten what is sent or told to what matters."""
    match what:
        case "service":
            [line] = [line for line in told.splitlines() if line.startswith("service")]
            return ".".join(line.removesuffix("/v2.0").split(".")[-2:])
        case "fields":
            return params["fields"][0]
        case "sort":
            return params["sort"][0]["field"]
    return params.get(what)


@pytest.mark.parametrize("command", ["communications", "calls"])
@pytest.mark.parametrize(("flag", "variable", "line", "what", "expected"), PRECEDENCE)
def test_precedence(comagic, file, command, flag, variable, line, what, expected):
    profile(file, line)
    environ = dict([variable.split("=")]) if variable else {}
    runs = [
        shown(what, *planned(comagic, command, *flag.split(), **environ)),
        shown(what, *planned(comagic, command, **environ)),
        shown(what, *planned(comagic, command)),
    ]
    assert tuple(runs) == expected
    file.unlink()
    usual = shown(what, *planned(comagic, command))
    assert usual not in expected
    assert usual == DEFAULTS.get(what, usual)


def test_a_report_s_own_table_goes_first(comagic, file):
    profile(file, "page-size = 5\n[profiles.work.calls]\npage_size = 6\nreport_id = 7\n")
    calls, _ = planned(comagic, "calls")
    others, _ = planned(comagic, "chats")
    assert (calls["limit"], calls["report_id"]) == (6, 7)
    assert (others["limit"], others["report_id"]) == (5, "(asked of the account)")


@pytest.mark.parametrize(
    ("options", "environment", "limit"),
    [
        ([], {}, 1),
        (["--profile", "home"], {}, 2),
        (["--profile", "home"], {"COMAGIC_PROFILE": "work"}, 2),
        ([], {"COMAGIC_PROFILE": "home"}, 2),
        (["--sandbox"], {}, 10_000),
        (["--sandbox"], {"COMAGIC_PROFILE": "home"}, 10_000),
    ],
)
def test_which_profile_is_used(comagic, file, options, environment, limit):
    account = "report-id = 9\nuser-id = 9\n"
    profile(file, f"page-size = 1\n[profiles.home]\npage-size = 2\n{account}")
    params, _ = planned(comagic, "calls", *options, **environment)
    assert params["limit"] == limit
    assert (params.get("user_id") == 9) is (limit == 2)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--sandbox", "--profile", "no-such"], ["--profile"]),
        (["--profile", "no-such", "--sandbox"], ["--profile"]),
        (["--base-url", "uis", "--sandbox"], ["--base-url"]),
        (["--sandbox", "--token-file", "no-such"], ["--token-file"]),
        (["--sandbox", "--token-file", "x", "--base-url", "uis"], ["--base-url", "--token-file"]),
    ],
)
@pytest.mark.parametrize("command", [["calls"], ["reports"], ["doctor"], ["api", "get.account"]])
def test_the_sandbox_goes_with_no_account(comagic, options, named, command):
    ran = comagic(*command, *options)
    told = (
        f"comagic: --sandbox can't be combined with {', '.join(named)}: its data are invented\n"
        f"  Remove --sandbox, or {' and '.join(named)}.\n"
    )
    if command == ["doctor"]:
        assert (ran.code, named[0] in ran.out, ran.err) == (2, True, "")
    else:
        assert (ran.code, ran.out, ran.err) == (2, "", told)


def test_variables_of_an_account_say_nothing_to_the_sandbox(comagic):
    ran = comagic(
        *("calls", "--sandbox", "--count"),
        COMAGIC_BASE_URL="uis",
        COMAGIC_TOKEN="x",
        COMAGIC_PROFILE="no-such",
    )
    assert (ran.code, ran.err) == (0, "")


def test_a_log_of_the_sandbox_says_that_the_data_are_invented(comagic):
    for options, code in ((["--max-rows", 1], 0), (["--where", "nothing = 1"], 2)):
        ran = comagic("calls", "--sandbox", "-v", "--log-format", "json", *options)
        lines = list(map(json.loads, ran.err.splitlines()))
        assert (ran.code, {line.get("sandbox") for line in lines}) == (code, {"invented data"})
    ran = comagic("calls", "--sandbox", "-v", "--max-rows", 1)
    assert [line for line in ran.err.splitlines() if "invented data" not in line] == []
    assert ran.err.endswith(", invented data of the sandbox.\n")
    ran = comagic("calls", "-v", "--log-format", "json")
    assert "sandbox" not in json.loads(ran.err)


def test_a_saved_token_is_not_sent_to_another_host(comagic, file, box):
    profile(file, f'base-url = "uis"\ntoken = "{box.token}"\n')
    calls = [*REPORT, "--report-id", 1001, "--max-rows", 1]
    told = (
        f"comagic: the token of profile work was saved for dataapi.uiscom.ru; it is not sent to "
        f"{box.url.split('/')[2]}\n"
    )
    before = len(box.methods)
    for options, variables in ((["--base-url", box.url], {}), ([], {"COMAGIC_BASE_URL": box.url})):
        ran = comagic(*calls, *options, **variables)
        assert (ran.code, ran.out, ran.err.startswith(told)) == (2, "", True)
    assert len(box.methods) == before
    assert comagic(*calls, "--base-url", box.url, COMAGIC_TOKEN=box.token).code == 0


def test_profiles_without_a_default_one_are_named(comagic, file):
    profile(file, "token = 'a'\n[profiles.home]\ntoken = 'b'\n", head="[profiles.work]\n")
    ran = comagic("calls")
    told = (
        "comagic: there is no token for the account, and no default profile\n"
        "  Choose a profile with --profile: work, home. Or make it the default one: "
        "comagic profiles default work\n"
    )
    assert (ran.code, ran.out, ran.err) == (2, "", told)


def test_options_of_all_kinds(comagic, file, box):
    profile(
        file,
        f'base-url = "{box.url}"\ntoken = "{box.token}"\ntimeout = 30\nmax-wait = "5m"\n'
        'format = "csv"\nfields = ["communication_id", "communication_date_time"]\n'
        'quiet = false\nverbose = true\ntz = "Asia/Tokyo"\n',
    )
    ran = comagic("communications", *DAYS, "--max-rows", 1)
    assert (ran.code, ran.out.splitlines()[0]) == (0, ",".join(TWO[1].split(",")))
    assert "get.communications 2024-09-30" in ran.err


def test_a_profile_serves_commands_that_lack_what_stands_in_it(comagic, file, box):
    profile(
        file,
        f'base-url = "{box.url}"\ntoken = "{box.token}"\nformat = "csv"\nfields = "tags"\n'
        "search = 'x'\nperiod = 'yesterday'\n[profiles.work.calls]\npage-size = 5\n",
    )
    ran = comagic("reports", "--type", "calls")
    assert (ran.code, ran.out.splitlines()[0][:8]) == (0, "id,type,")
    assert comagic("fields", "calls").out.startswith("name,")
    assert comagic("account").code == 0


def test_a_profile_says_how_errors_are_told(comagic, file):
    profile(file, 'log-format = "json"')
    assert json.loads(comagic("calls").err)["message"] == "there is no token for the account"
    assert comagic("calls", "--log-format", "text").err.startswith("comagic: there is no token")
    assert comagic("calls", COMAGIC_LOG_FORMAT="text").err.startswith("comagic: there is no token")


def test_the_period_of_a_profile_gives_way_to_typed_dates(comagic, file):
    profile(file, 'period = "2024-10-05"')
    ran = comagic("communications", "--dry-run")
    assert "period   2024-10-05 00:00:00 … 2024-10-05 23:59:59\n" in ran.err
    ran = comagic("communications", "--dry-run", "--from", "2024-10-01", "--till", "2024-10-02")
    assert "period   2024-10-01 00:00:00 … 2024-10-02 23:59:59\n" in ran.err


TYPE_IT = "Give it on the command line."
CALLS = "[profiles.work.calls]\n"


@pytest.mark.parametrize(
    ("line", "place", "message", "hint"),
    [
        ("fromat = 'csv'", "fromat", "there is no such option", "Did you mean format?"),
        ("zzz = 1", "zzz", "there is no such option", "A profile can set options of a report."),
        (
            *("[profiles.work.tag-histori]", "tag-histori"),
            *("there is no such option", "Did you mean tags-history?"),
        ),
        ("output = 'x'", "output", "output can't be set in a profile", TYPE_IT),
        ("max_rows = 5", "max-rows", "max-rows can't be set in a profile", TYPE_IT),
        ("dry-run = true", "dry-run", "dry-run can't be set in a profile", TYPE_IT),
        (f"{CALLS}resume = true", "calls.resume", "resume can't be set in a profile", TYPE_IT),
        (
            "timeout = 'soon'",
            "timeout",
            "'soon' is not a duration: write 90, 90s, 5m or 2h.",
            "",
        ),
        ("timeout = 0.01", "timeout", "'0.01' is too short: write 0.1 or more.", ""),
        ("timeout = true", "timeout", "it must be a text or a number", ""),
        ("timeout = [5]", "timeout", "it must be a text or a number", ""),
        ("page_size = 5.0", "page-size", "'5.0': it must be a whole number, from 1 to 10000.", ""),
        (
            f"{CALLS}user_id = 'x'",
            "calls.user-id",
            "'x' is neither a user id nor all. comagic users lists the ids.",
            "",
        ),
        ("verbose = 'yes'", "verbose", "it must be true or false", ""),
        ("verbose = 1", "verbose", "it must be true or false", ""),
        ("fields = [1, []]", "fields", "it must be a text or a number or a list", ""),
        ("[profiles.work.fields]", "fields", "it must be a text or a number or a list", ""),
        ("tz = 2024-01-01", "tz", "it must be a text or a number", ""),
    ],
)
def test_a_wrong_default_names_the_file_and_the_key(comagic, file, line, place, message, hint):
    profile(file, line)
    ran = comagic("calls", *DAYS, "--dry-run")
    told = [f"comagic: {file}: profiles.work.{place}: {message}", *([f"  {hint}"] if hint else [])]
    assert (ran.code, ran.out, ran.err.splitlines()) == (2, "", told)


# What opens the account


CREDENTIALS = [
    ("", {}, "", "there is no token for the account"),
    ("token = 'good'", {}, "", "ok"),
    ("token = 'bad'", {"COMAGIC_TOKEN": "good"}, "", "ok"),
    ("token = 'good'", {"COMAGIC_TOKEN": "bad"}, "", "access_token_invalid"),
    ("token = 'good'", {"COMAGIC_TOKEN": " "}, "", "ok"),
    ("token = 'bad'", {"COMAGIC_TOKEN": "bad"}, "good", "ok"),
    ("token = 'good'", {"COMAGIC_TOKEN": "good"}, "bad", "access_token_invalid"),
    ("token = 'bad'", {"COMAGIC_TOKEN_FILE": "good"}, "", "ok"),
    ("token = 'good'", {"COMAGIC_TOKEN_FILE": "bad"}, "", "access_token_invalid"),
    ("token = 'good'", {"COMAGIC_LOGIN": "me@firm", "COMAGIC_PASSWORD": "word"}, "", "auth_error"),
    ("token = 'bad'", {"COMAGIC_LOGIN": "sandbox", "COMAGIC_PASSWORD": "sandbox"}, "", "ok"),
    ("token = 'good'", {"COMAGIC_LOGIN": "a"}, "", "COMAGIC_PASSWORD is not"),
    ("token-file = 'good'", {}, "", "ok"),
    ("token-file = 'bad'", {}, "", "access_token_invalid"),
    ("token-file = 'open'", {}, "", "ok"),
    ("token-file = 'no'", {}, "", "profiles.work.token-file: "),
    ("token-command = 'printf good-token'", {}, "", "ok"),
    ("token-command = ['printf', 'good-token']", {}, "", "ok"),
    ("token-command = 'false'", {}, "", "profiles.work.token-command: false failed (exit code 1)"),
    ("token-command = 'true'", {}, "", "profiles.work.token-command: the token is empty"),
    ("token-command = 5", {}, "", "profiles.work.token-command: it must be a text"),
    ("token-command = [5]", {}, "", "profiles.work.token-command: it must be a text"),
    ("login = 'sandbox'\npassword = 'sandbox'", {}, "", "ok"),
    ("login = 'sandbox'\npassword = 'x'", {}, "", "auth_error"),
    ("login = 'sandbox'", {}, "", "profiles.work: it has login"),
    ("password = 'sandbox'", {}, "", "profiles.work: it has password"),
    ("token = 'good'\ntoken-file = 'good'", {}, "", "profiles.work: it has token and token-file"),
    ("token = ''", {}, "", "profiles.work.token: it must be a text that is not empty"),
    ("token = 'a b'", {}, "", "profiles.work.token: the token has blanks"),
]


@pytest.fixture
def tokens(file, monkeypatch):
    """Put tokens into files, where the program runs."""
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr("comagic_cli.sandbox.methods.accounts.TOKEN", "good-token")
    for name, token in (("good", "good-token"), ("bad", "bad-token"), ("open", "good-token")):
        (file.parent / name).write_text(token)
        (file.parent / name).chmod(0o644 if name == "open" else 0o600)


def written_out(value):
    return f"{value}-token" if value in {"good", "bad"} else value


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(("lines", "environment", "token_file", "outcome"), CREDENTIALS)
def test_what_opens_the_account(comagic, file, box, lines, environment, token_file, outcome):
    variables = dict(environment)
    if "COMAGIC_TOKEN" in variables:
        variables["COMAGIC_TOKEN"] = written_out(variables["COMAGIC_TOKEN"])
    lines = lines.replace("token = 'good'", "token = 'good-token'")
    lines = lines.replace("token = 'bad'", "token = 'bad-token'")
    profile(file, f'base-url = "{box.url}"\n{lines}\n')
    more = ["--token-file", token_file] if token_file else []
    ran = comagic(*REPORT, "--report-id", 1001, "--max-rows", 1, *more, **variables)
    assert outcome in ("ok" if ran.code == 0 else ran.err)
    assert not {"good-token", "bad-token"} & {*ran.err.split(), *ran.out.split()}


# The account's time zone


@pytest.mark.parametrize(
    ("options", "environment", "asked"),
    [
        ([], {}, False),
        (["--tz", "Asia/Tokyo"], {}, False),
        (["--user-id", 7], {}, True),
        (["--base-url", "{url}?"], {}, True),
        ([], {"COMAGIC_TOKEN": "sandbox-token"}, True),
        (["--token-file", "{token}"], {}, True),
    ],
)
def test_the_saved_zone_is_that_of_the_saved_account(
    comagic, file, tmp_path, options, environment, asked
):
    token = tmp_path / "token"
    token.write_text("sandbox-token")
    token.chmod(0o600)
    with Watched(rows=3) as box:
        profile(
            file, f'base-url = "{box.url}"\ntoken = "{box.token}"\ntimezone = "Pacific/Pago_Pago"\n'
        )
        words = [str(word).format(url=box.url, token=token) for word in options]
        command = ["communications", "--period", "yesterday", *TWO]
        assert comagic(*command, *words, **environment).code == 0
        assert ("get.account" in box.methods) is asked
        dry = comagic(*command, *words, "--dry-run", **environment)
    assert ("UTC is shown" in dry.err) is asked


def test_a_saved_zone_that_is_none(comagic, file, box):
    profile(file, f'base-url = "{box.url}"\ntoken = "{box.token}"\ntimezone = "Mars"\n')
    ran = comagic("communications", "--period", "yesterday")
    assert (ran.code, "the profile's timezone: there is no time zone 'Mars'" in ran.err) == (
        2,
        True,
    )


def test_an_empty_name_of_a_profile_is_not_the_default_one(comagic):
    ran = comagic("calls", "--profile", "")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("comagic: Invalid value for '--profile': the name is empty.\n")
