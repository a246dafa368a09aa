"""Options that there are not, and those that were meant."""

import pytest

from comagic_cli.cli.root import INSTEAD, OTHER_NAMES, cli

SEE = "  See comagic calls --help.\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--since", "No such option '--since'. Did you mean --from?"),
        ("--feilds", "No such option '--feilds'. Did you mean --fields?"),
        ("--f", "No such option '--f'. Did you mean --from, --fields or --filter-json?"),
        ("--version", "No such option '--version'. Write comagic --version."),
    ],
)
def test_the_option_that_was_meant_is_named(comagic, typed, said):
    ran = comagic("calls", typed, "5")
    assert (ran.code, ran.out, ran.err) == (2, "", f"comagic: {said}\n{SEE}")


def test_an_option_before_the_command_is_told_its_place(comagic):
    ran = comagic("--sandbox", "calls")
    hint = "Options follow a command: comagic calls --sandbox"
    wanted = f"comagic: No such option '--sandbox'. {hint}\n  See comagic --help.\n"
    assert (ran.code, ran.err) == (2, wanted)


def test_an_option_that_the_command_lacks_is_not_named(comagic):
    assert comagic("help", "--limit", "5").err.startswith("comagic: No such option '--limit'.\n")


@pytest.mark.parametrize(("alias", "name"), [("limit", "max-rows"), ("columns", "fields")])
def test_an_alias_is_taken_where_the_command_has_the_option(comagic, alias, name):
    wanted = comagic("calls", "--sandbox", f"--{name}", "?").err
    assert comagic("calls", "--sandbox", f"--{alias}", "?").err == wanted
    assert f"--{alias}" not in comagic("calls", "--help").out
    assert comagic("users", f"--{alias}", "?").err.startswith(f"comagic: No such option '--{alias}")


def test_what_others_call_it_is_no_option_of_ours_and_what_it_means_is():
    commands = [cli.get_command(None, name) for name in ("calls", "call-details")]
    ours = {name for command in commands for param in command.params for name in param.opts}
    meant = {name for names in OTHER_NAMES.values() for name in names}
    needed = {name for name, _ in INSTEAD.values()}
    assert ({*OTHER_NAMES, *INSTEAD} & ours, (meant | needed) - ours) == (set(), set())


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (
            ["--fields", "utm_source"],
            "These reports have it: communications, visits, calls-report.",
        ),
        (["--where", "sms_message is null"], "These reports have it: sms."),
        (["--fields", "cal_status"], "Did you mean call_status?"),
    ],
)
def test_a_field_of_another_report(comagic, typed, hint):
    ran = comagic("calls", "--sandbox", *typed)
    assert (ran.code, ran.out, ran.err.splitlines()[-1]) == (2, "", f"  {hint}")
