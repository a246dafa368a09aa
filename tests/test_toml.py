from __future__ import annotations

import tomllib
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comagic_cli.config.toml import updated, written

TEXTS = st.text(max_size=6)
PLAIN = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.dates(date.min))
VALUES = st.one_of(PLAIN, st.lists(PLAIN, max_size=3), st.floats(allow_nan=False))
TABLES = st.recursive(
    st.dictionaries(TEXTS, VALUES, max_size=3),
    lambda inner: st.dictionaries(TEXTS, st.one_of(VALUES, inner), max_size=3),
    max_leaves=4,
)


@given(TABLES)
@settings(max_examples=40)
def test_what_is_written_is_read(table):
    assert tomllib.loads(written(table)) == table
    assert tomllib.loads(updated("", table)) == table


@given(TABLES, TABLES)
@settings(max_examples=40)
def test_what_is_updated_says_what_is_wanted(before, after):
    text = f"# mine\n{written(before)}# the end"
    assert tomllib.loads(updated(text, after)) == after
    assert updated(text, before) == text


def test_the_whole_of_what_is_written():
    table = {
        "default": "work",
        "profiles": {
            "work": {"token": 'a"b\\c\n\x7f', "user-id": 7, "quiet": True, "calls": {"x": 1.5}},
            "an other": {"fields": ["tags", "é"], "from": [{"day": date(2024, 1, 2)}]},
            "empty": {},
        },
    }
    assert written(table) == (
        'default = "work"\n'
        "\n"
        "[profiles.work]\n"
        'token = "a\\"b\\\\c\\n\\U0000007f"\n'
        "user-id = 7\n"
        "quiet = true\n"
        "\n"
        "[profiles.work.calls]\n"
        "x = 1.5\n"
        "\n"
        '[profiles."an other"]\n'
        'fields = ["tags", "é"]\n'
        "from = [{day = 2024-01-02}]\n"
        "\n"
        "[profiles.empty]\n"
    )


OLD = """\
# My accounts
default = "work"  # the usual one

[profiles.work]  # at work
token = "one"
# columns that I like
fields = [
  "tags",
]

[profiles.work.calls]
sort = "tags" # why not

[profiles.home]
# at home
token = "two"
format = "csv"
"""


def changed(**profiles):
    return {"default": "work", "profiles": tomllib.loads(OLD)["profiles"] | profiles}


@pytest.mark.parametrize(
    ("wanted", "old", "new"),
    [
        (changed(), "", ""),
        (
            changed(home={"token": "three", "format": "csv"}),
            'token = "two"\nformat = "csv"\n',
            'token = "three"\nformat = "csv"\n',
        ),
        (
            changed(home={"token": 1, "format": True}),
            'token = "two"\nformat = "csv"\n',
            "token = 1\nformat = true\n",
        ),
        (
            changed(new={"token": "x"}),
            'format = "csv"\n',
            'format = "csv"\n\n[profiles.new]\ntoken = "x"\n',
        ),
        (changed() | {"default": "home"}, 'default = "work"  # the usual one', 'default = "home"'),
        (
            {"default": "work", "profiles": {"work": changed()["profiles"]["work"]}},
            OLD[OLD.index("[profiles.home]") :],
            "",
        ),
    ],
)
def test_an_update_keeps_comments_and_all_that_stays(wanted, old, new):
    text = updated(OLD, wanted)
    assert text.splitlines() == OLD.replace(old, new).splitlines() if old else text == OLD
    assert tomllib.loads(text) == wanted


@pytest.mark.parametrize(
    "old",
    [
        OLD,  # the change is in a table with a value of more lines than one
        'profiles.work.token = "one"\nprofiles.work.fields = ["tags"]\n',
        'profiles = {work = {token = "one", fields = ["tags"]}}\n',
        'x = """\n[profiles.work]\n"""\n',
        "[profiles]\n[[profiles.work]]\n",
    ],
)
def test_what_can_t_be_changed_line_by_line_is_written_anew(old):
    wanted = {"profiles": {"work": {"token": "two"}}}
    assert updated(old, wanted) == written(wanted) == '[profiles.work]\ntoken = "two"\n'


def test_a_comment_of_the_top_stays_on_top():
    assert updated("# mine\n", {"profiles": {"a": {"x": 1}}}) == "# mine\n\n[profiles.a]\nx = 1\n"
    assert updated(
        "[profiles.a]\r\nx = 1\r\n# b", {"default": "a", "profiles": {"a": {"x": 2}}}
    ) == ('default = "a"\n[profiles.a]\r\nx = 2\n# b\n')
