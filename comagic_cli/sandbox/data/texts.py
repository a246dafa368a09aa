"""Names, phones and texts of the invented people, the hard ones included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comagic_cli.sandbox.data.business import Row, number_of, roll, salt, words

if TYPE_CHECKING:
    from collections.abc import Callable

_LONG = 60  # sentences of a long text, each of about a hundred and thirty characters


def phone(row: Row) -> str:
    """Write the person's phone number as the API does: digits only, mostly."""
    digits = f"79{row.person_hash % 10**9:09}"
    return "+" + digits if row.person_hash >> 60 == 0 else digits


def full_name(row: Row) -> str | None:
    """Name the person: most by surname, name and patronymic; some oddly, some not at all."""
    lists, hashed = words(), row.person_hash
    if hashed % 16 == 0:
        names = lists["odd_names"]
        return str(names[(hashed >> 8) % len(names)])
    if hashed % 16 < 3:  # noqa: PLR2004  # two in sixteen are nameless
        return None
    woman = hashed >> 4 & 1
    first = lists["women"] if woman else lists["men"]
    surnames, patronymics = lists["surnames"], lists["patronymics"]
    surname = surnames[(hashed >> 8) % len(surnames)] + (lists["ending"] if woman else "")
    patronymic = patronymics[(hashed >> 16) % len(patronymics)][woman]
    return f"{surname} {first[(hashed >> 24) % len(first)]} {patronymic}"


def text_of(name: str, plain: str, nothing: int = 0) -> Callable[[Row], Any]:
    """Make a text: mostly one of the list `plain`, now and then a hard or a very long one."""
    lists = words()
    common, hard = lists[plain], lists["hard_texts"]
    dice, which = number_of(name, 0, 99, nothing), salt(name + "#")

    def make(row: Row) -> str | None:
        rolled = dice(row)
        if rolled is None:
            return None
        if rolled == 0:
            return str(lists["long_sentence"]) * _LONG
        pool = hard if rolled < 20 else common  # noqa: PLR2004  # a fifth is hard
        return str(pool[roll(row, which, len(pool))])

    return make


def mail(row: Row) -> str:
    """Write the person's e-mail address."""
    return f"client{row.person}@example.{'com' if row.person_hash & 1 else 'org'}"
