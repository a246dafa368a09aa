"""The topics of `comagic help` in Russian."""

from __future__ import annotations

import re
import subprocess

import pytest
from examples import examples
from program import COMAGIC, environment

from comagic_cli.cli import help as tables
from comagic_cli.cli.help import TOPICS, WIDTH, language, translation
from comagic_cli.cli.root import cli
from comagic_cli.errors import ExitCode

RUSSIAN = translation("ru")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


@pytest.fixture
def russian(comagic):
    return lambda *words: comagic("help", *words, COMAGIC_LANG="ru")


@pytest.mark.parametrize(
    ("expected", "environ"),
    [
        ("en", {}),
        ("en", {"LANG": "C.UTF-8"}),
        ("en", {"LANG": "en_US.UTF-8"}),
        ("en", {"LANG": "run_ME.UTF-8"}),
        ("ru", {"LANG": "ru"}),
        ("ru", {"LANG": "ru_RU.UTF-8"}),
        ("ru", {"LANG": "ru_UA"}),
        ("ru", {"LANG": "ru-RU"}),
        ("ru", {"LANG": "ru.KOI8-R"}),
        ("ru", {"LANG": "ru@euro"}),
        ("ru", {"LC_MESSAGES": "ru_RU.UTF-8", "LANG": "en_US.UTF-8"}),
        ("en", {"LC_MESSAGES": "C", "LANG": "ru_RU.UTF-8"}),
        ("en", {"LC_ALL": "C", "LC_MESSAGES": "ru_RU.UTF-8"}),
        ("ru", {"LC_ALL": "ru_RU.UTF-8", "LC_MESSAGES": "C", "LANG": "C"}),
        ("ru", {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ru_RU.UTF-8"}),
        ("en", {"LC_CTYPE": "ru_RU.UTF-8"}),
        ("ru", {"COMAGIC_LANG": "ru", "LC_ALL": "C"}),
        ("ru", {"COMAGIC_LANG": "RU"}),
        ("en", {"COMAGIC_LANG": "en", "LC_ALL": "ru_RU.UTF-8"}),
        ("en", {"COMAGIC_LANG": "de", "LC_ALL": "ru_RU.UTF-8"}),
        ("ru", {"COMAGIC_LANG": "", "LC_ALL": "ru_RU.UTF-8"}),
    ],
)
def test_the_language_is_that_of_the_variable_or_the_locale(expected, environ):
    assert language(environ) == expected


@pytest.mark.parametrize(("name", "locale"), [("ru", "ru_RU.UTF-8"), ("en", "C.UTF-8")])
def test_the_locale_decides_where_the_variable_is_not_set(comagic, monkeypatch, name, locale):
    monkeypatch.delenv("COMAGIC_LANG")
    ran = comagic("help", "dates", LC_ALL=locale)
    assert ran == comagic("help", "dates", COMAGIC_LANG=name)


def test_every_topic_is_there_in_russian():
    assert set(RUSSIAN.pages) == set(TOPICS)


def test_every_phrase_is_translated_and_no_other():
    asked = {"Topics of comagic help:"}

    def say(phrase):
        asked.add(phrase)
        return phrase

    for topic in TOPICS.values():
        say(topic.title)
        list(topic.rest(cli, say))
    assert asked == set(RUSSIAN.phrases)
    assert {code.meaning for code in ExitCode} < asked
    assert [text for text in RUSSIAN.phrases.values() if not re.search("[а-яё]", text)] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_has_the_width_the_examples_and_the_options_of_the_english_one(
    comagic, russian, topic
):
    ran, english = russian(topic), comagic("help", topic)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out != english.out
    assert [line for line in ran.out.splitlines() if len(line) > WIDTH] == []
    assert examples_in_russian(ran.out) == examples(english.out)
    assert set(OPTION.findall(ran.out)) == set(OPTION.findall(english.out))


def examples_in_russian(text):
    return examples(text.replace("Пример", "Example", 1).replace("Exampleы:", "Examples:"))


def test_every_placeholder_is_in_the_translation():
    holes = re.compile(r"\{\w+\}")
    for english, text in RUSSIAN.phrases.items():
        assert holes.findall(text) == holes.findall(english)


def test_tables_have_the_same_rows():
    say = RUSSIAN.say
    assert [code for code, _ in tables.exit_codes(say)] == [code for code, _ in tables.exit_codes()]
    names = [name for name, _ in tables.variables(cli)]
    assert [name for name, _ in tables.variables(cli, say)] == names
    assert [(name, code) for name, *_, code in tables.mnemonics(say)] == [
        (name, code) for name, *_, code in tables.mnemonics()
    ]


def test_the_list_of_topics_is_russian_and_that_of_commands_is_not(comagic, russian):
    out = russian().out
    assert out.startswith(comagic("--help").out)
    listed = out.removeprefix(comagic("--help").out).strip().splitlines()
    assert listed[0] == "Темы справки (comagic help ТЕМА):"
    assert [line.split()[0] for line in listed[1:]] == [*TOPICS]
    assert [line for line in listed if not re.search("[а-яё]", line) or len(line) > WIDTH] == []


@pytest.mark.parametrize("words", [["calls"], ["profiles", "show"], ["wat"], ["filtres"]])
def test_commands_and_errors_stay_english(comagic, russian, words):
    assert russian(*words) == comagic("help", *words)


def test_other_names_of_topics_are_known(russian):
    assert russian("where") == russian("filters")


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "«и»"), ("koi8-r", "?и?")])
def test_the_encoding_of_a_terminal_is_no_reason_to_fail(tmp_path, encoding, shown):
    environ = environment(tmp_path, COMAGIC_LANG="ru", PYTHONIOENCODING=encoding)
    done = subprocess.run(
        [*COMAGIC, "help", "filters"], env=environ, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"Условия соединяют словами and ({shown})" in done.stdout.decode(encoding)
