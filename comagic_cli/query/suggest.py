"""Suggest known names for a mistyped one: fields, options, time zones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from zoneinfo import available_timezones

MAX_NAMES = 3  # a longer list does not help
MAX_DISTANCE = 0.15  # names so much less similar than the best one are not suggested
MIN_PREFIX = 3  # letters; a shorter text is part of too many names
PREFIX_SIMILARITY = 0.9  # of a name that begins with the word


def first_of(names: Sequence[str], most: int) -> str:
    """List the first names of many, and say how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def closest(word: str, names: Iterable[str], least: float = 0.6) -> list[str]:
    """Return at most three names similar to a word; if there is none, names that contain it.

    `least` is the least similarity, from 0 to 1.
    """
    known, lower = list(dict.fromkeys(names)), word.lower()
    scores = {name: _similarity(name.lower(), lower) for name in known}
    best = max(scores.values(), default=0)
    similar = [name for name in known if scores[name] >= max(least, best - MAX_DISTANCE)]
    if similar:
        return sorted(similar, key=lambda name: -scores[name])[:MAX_NAMES]
    return [name for name in known if len(lower) >= MIN_PREFIX and lower in name.lower()][
        :MAX_NAMES
    ]


def by_similarity(word: str, names: Iterable[str]) -> list[str]:
    """Return the names, the most similar to a word first."""
    return sorted(names, key=lambda name: -_similarity(name.lower(), word.lower()))


def _similarity(name: str, word: str) -> float:
    is_prefix = len(word) >= MIN_PREFIX and name.startswith(word)
    return max(SequenceMatcher(None, name, word).ratio(), PREFIX_SIMILARITY * is_prefix)


def did_you_mean(word: str, names: Iterable[str], least: float = 0.6) -> str:
    """Ask whether one of the closest names was meant; "" if there is none.

    A mapping of names to texts gives what the question says for each.
    """
    if not (found := closest(word, names, least)):
        return ""
    return _ask([names[name] for name in found] if isinstance(names, Mapping) else found)


def _ask(names: list[str]) -> str:
    *others, last = names
    return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"


RUSSIAN_COMMANDS = {
    "аккаунт": ("account",),
    "визиты": ("visits",),
    "график": ("chart",),
    "детализация": ("call-details",),
    "заявки": ("leads", "communications"),
    "звонки": ("calls",),
    "колонки": ("fields",),
    "коммуникации": ("communications",),
    "лиды": ("leads",),
    "обращения": ("communications",),
    "отчёты": ("reports",),
    "персоны": ("person-details",),
    "поля": ("fields",),
    "пользователи": ("users",),
    "помощь": ("help",),
    "посещения": ("visits",),
    "сделки": ("deals",),
    "сессии": ("visits",),
    "смс": ("sms",),
    "сообщения": ("sms", "chats"),
    "справка": ("help",),
    "столбцы": ("fields",),
    "теги": ("tags-history",),
    "уведомления": ("notifications",),
    "фильтры": ("filters",),
    "чаты": ("chats",),
}
"""What reports and other commands are called in Russian."""
RUSSIAN_LISTS = {
    "атс": ("virtual-numbers", "sip-lines"),
    "виртуальные номера": ("virtual-numbers",),
    "воронки": ("sales-funnel", "lead-funnel-stages"),
    "группы контактов": ("group-contacts",),
    "группы сотрудников": ("group-employees",),
    "добавочные": ("employees",),
    "должности": ("employee-positions",),
    "источники": ("sources", "communication-sources"),
    "каналы": ("sources-channels", "chat-channels"),
    "кампании": ("campaigns",),
    "клиенты": ("customers", "contacts"),
    "компании": ("crm-companies", "contact-organizations"),
    "контакты": ("contacts",),
    "линии": ("sip-lines",),
    "медиафайлы": ("media-files",),
    "метрики": ("metrics",),
    "номера": ("virtual-numbers",),
    "операторы": ("employees",),
    "организации": ("contact-organizations",),
    "отделы": ("group-employees",),
    "посетители": ("visitors",),
    "почта": ("email-accounts",),
    "работники": ("employees",),
    "расписания": ("schedules",),
    "расходы": ("source-costs",),
    "рекламные кампании": ("campaigns",),
    "сайты": ("sites",),
    "сегменты": ("segments",),
    "события": ("events",),
    "сотрудники": ("employees",),
    "статусы": ("statuses",),
    "сценарии": ("scenarios",),
    "тарифы": ("tariff-plans",),
    "телефоны": ("virtual-numbers", "blacklist-phone-numbers"),
    "теги": ("tags",),
    "цели": ("events", "goals-tree"),
    "чёрный список": ("blacklist-phone-numbers",),
    "этапы": ("lead-funnel-stages", "sales-funnel"),
}
"""What lists are called in Russian."""


RUSSIAN_SIMILARITY = 0.65  # words have many endings


def suggest_command(
    word: str,
    commands: Mapping[str, str],
    lists: Mapping[str, str] | None = None,
    least: float = 0.6,
) -> str:
    """Ask whether a command or a list was meant, by its name or a Russian word; "" if none is near.

    Each name has the text that the question says.
    """
    lists = lists or {}
    others = {name: text for name, text in lists.items() if name not in commands}
    return did_you_mean(word, {**commands, **others}, least) or suggest_in_russian(
        word, commands, lists
    )


def suggest_in_russian(word: str, commands: Mapping[str, str], lists: Mapping[str, str]) -> str:
    """Ask whether a command or a list was meant by a Russian word; "" if none is near."""
    meant: dict[str, list[str]] = {}
    for russian, texts in ((RUSSIAN_COMMANDS, commands), (RUSSIAN_LISTS, lists)):
        for known, names in russian.items():
            found = [texts[name] for name in names if name in texts]
            meant.setdefault(_without_dots(known), []).extend(found)
    near = closest(_without_dots(word), meant, RUSSIAN_SIMILARITY)
    found = [text for each in near[:1] for text in meant[each]]
    return _ask(found) if found else ""


def _without_dots(word: str) -> str:
    """Write a Russian letter as most people type it."""
    return word.lower().replace("ё", "е")  # noqa: RUF001 - Russian


RUSSIAN_ZONES = {
    2: "Europe/Kaliningrad",
    3: "Europe/Moscow",
    4: "Europe/Samara",
    5: "Asia/Yekaterinburg",
    6: "Asia/Omsk",
    7: "Asia/Novosibirsk",
    8: "Asia/Irkutsk",
    9: "Asia/Yakutsk",
    10: "Asia/Vladivostok",
    11: "Asia/Magadan",
    12: "Asia/Kamchatka",
}
"""Time zones of Russia, by their hours from UTC."""
MOSCOW = ("msk", "мск", "москва")
OFFSET = re.compile(r"(?:utc|gmt)? ?\+?0?([0-9]{1,2})(?::?00)?")


def suggest_zone(name: str) -> str:
    """Ask whether a time zone was meant, by its hours from UTC or its city; "" if none is near."""
    word = name.strip().lower()
    if word in MOSCOW:
        return _ask([RUSSIAN_ZONES[3]])
    if offset := OFFSET.fullmatch(word):
        zone = RUSSIAN_ZONES.get(int(offset[1]), "")
        return _ask([zone]) if zone else ""
    zones = sorted(available_timezones())
    names = {zone if "/" in word else zone.rpartition("/")[2]: zone for zone in zones}
    best = closest(word.replace(" ", "_"), names, 0.8)[:1]
    return _ask([names[name] for name in best]) if best else ""
