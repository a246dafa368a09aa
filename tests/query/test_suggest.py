"""What a word that is not known was meant to be."""

import pytest

from comagic_cli.query.catalog import lists
from comagic_cli.query.suggest import (
    RUSSIAN_LISTS,
    closest,
    did_you_mean,
    suggest_in_russian,
    suggest_zone,
)

NAMES = ("call_status", "call_start_time", "contact_phone_number", "virtual_phone_number", "tags")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("call_statuss", ["call_status"]),  # the others are far behind
        ("CALL_STATUS", ["call_status"]),
        ("call_sta_time", ["call_start_time"]),
        ("phone_number", ["contact_phone_number", "virtual_phone_number"]),
        ("call", ["call_status", "call_start_time"]),
        ("phone", ["contact_phone_number", "virtual_phone_number"]),  # in them, if not like them
        ("ag", ["tags"]),
        ("ph", []),
        ("wholly", []),
        ("", []),
    ],
)
def test_the_names_most_like_a_word_are_found(word, found):
    assert closest(word, NAMES) == found


def test_no_more_than_three_are_named_and_each_once():
    assert closest("aaax", ["aaa1", "aaa2", "aaa2", "aaa3", "aaa4"]) == ["aaa1", "aaa2", "aaa3"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], ""),
        (["utm_term"], "Did you mean utm_term?"),
        (["utm_term1", "utm_term2"], "Did you mean utm_term1 or utm_term2?"),
        (["utm_a", "utm_b", "utm_c"], "Did you mean utm_a, utm_b or utm_c?"),
    ],
)
def test_it_is_asked_which_was_meant(names, sentence):
    assert did_you_mean("utm_", names) == sentence


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("MSK", "Europe/Moscow"),
        ("Москва", "Europe/Moscow"),
        ("moscow", "Europe/Moscow"),
        ("Europe/Moskow", "Europe/Moscow"),
        ("+3", "Europe/Moscow"),
        ("+03:00", "Europe/Moscow"),
        ("UTC+5", "Asia/Yekaterinburg"),
        ("gmt+10", "Asia/Vladivostok"),
        ("Ekaterinburg", "Asia/Yekaterinburg"),
        ("New York", "America/New_York"),
    ],
)
def test_the_time_zone_that_was_meant_is_named(typed, zone):
    assert suggest_zone(typed) == f"Did you mean {zone}?"


@pytest.mark.parametrize("typed", ["", "+1", "-3", "Nowhere", "a/b/c", "x" * 999])
def test_a_time_zone_that_is_like_none(typed):
    assert suggest_zone(typed) == ""


LISTS = {entry.command: entry.command for entry in lists()}


def test_every_russian_word_of_a_list_names_lists():
    for word, names in RUSSIAN_LISTS.items():
        assert set(names) <= LISTS.keys(), word
        assert suggest_in_russian(word, {}, LISTS) == _question(names)


def _question(names):
    return f"Did you mean {' or '.join(names)}?"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("сотрудник", "employees"),
        ("СОТРУДНИКИ", "employees"),
        ("сотрудников", "employees"),
        ("сайт", "sites"),
        ("сценарий", "scenarios"),
        ("расписание", "schedules"),
        ("рекламные", "campaigns"),
        ("чёрный список", "blacklist-phone-numbers"),
        ("черный список", "blacklist-phone-numbers"),
    ],
)
def test_a_russian_word_in_another_form_names_the_list(typed, name):
    assert suggest_in_russian(typed, {}, LISTS) == f"Did you mean {name}?"


@pytest.mark.parametrize("typed", ["", "я", "погода", "employees"])
def test_a_word_that_is_like_no_list(typed):
    assert suggest_in_russian(typed, {}, LISTS) == ""
