"""Lists of values, as the catalogue foresees their items: texts, or structs of known members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

from comagic_cli.output.flatten import cell
from comagic_cli.output.kinds import BITS, UNFIT, is_tags, whole
from comagic_cli.request.catalog import Field, Member

Lose: TypeAlias = Callable[[], None]
"""What is called where a value has more than is taken of it."""

TAG = (Member("id", "number"), Member("name", "string"), Member("color", "string"))
TEXTS = frozenset({str, type(None)})
TEXT = Member("", "string")


class ListReader:
    """Take a field's lists; `item` is what one item is: a text, or an object of members.

    Items that have one and the same member only are taken for that member. Tags are the list of
    their items.
    """

    def __init__(self, field: Field) -> None:
        self._tags = is_tags(field)
        members = TAG if self._tags else field.members
        self.item = Member("", "object", members) if len(members) > 1 else TEXT
        self._documented = frozenset(member.name for member in members)
        self._only = members[0].name if len(members) == 1 else None

    def usual(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """Return a column's lists at once, where each is as foreseen; None where one is not."""
        if self._tags and {dict, type(None)}.issuperset(map(type, values)):
            values = [None if value is None else value.get("items") for value in values]
        if not {list, type(None)}.issuperset(map(type, values)):
            return None
        if self.item.members:
            return values if _are_structs(values, self.item.members) else None
        if self._only is not None:
            return _texts(values, self._only)
        items = chain.from_iterable(filter(None, values))
        return values if TEXTS.issuperset(map(type, items)) else None

    def read(self, value: Any, lose: Lose) -> list[Any] | None:
        """Return a list of texts or of dicts; None for what is no list."""
        items = value.get("items") if self._tags and isinstance(value, dict) else value
        if not isinstance(items, list):
            if items is not None and cell(value) is not None:
                lose()
            return None
        if self.item.members:
            return [_struct(item, self.item.members, lose) for item in items]
        names = self._documented.union(*(item for item in items if isinstance(item, dict)))
        if len(names) > 1:
            return [_text(item, lose) for item in items]
        return [_text(_inner(item), lose) for item in items]


def _texts(lists: Sequence[Any], name: str) -> list[Any] | None:
    """Take the one member, a text, of every item; None where some have others, or another type."""
    items = list(chain.from_iterable(filter(None, lists)))
    if set(map(type, items)) <= {dict} and set(map(tuple, items)) <= {(name,)}:
        member = itemgetter(name)
        if set(map(type, map(member, items))) <= {str}:
            return [None if some is None else list(map(member, some)) for some in lists]
    return None


def _are_structs(lists: Sequence[Any], members: Sequence[Member]) -> bool:
    """Tell whether every item has only known members, in order, each a text or an integer."""
    items = list(chain.from_iterable(filter(None, lists)))
    if not set(map(type, items)) <= {dict}:
        return False
    names = [member.name for member in members]
    return all(
        list(found) == [name for name in names if name in found] for found in set(map(tuple, items))
    ) and all(
        _is_member([item[each.name] for item in items if each.name in item], each)
        for each in members
    )


def _is_member(values: Sequence[Any], member: Member) -> bool:
    if member.members:
        return not values
    if member.type != "number":
        return TEXTS.issuperset(map(type, values))
    return {int}.issuperset(map(type, values)) and all(map(_is_short, values))


def _is_short(number: int) -> bool:
    return number.bit_length() < BITS


def _inner(item: Any) -> Any:
    return next(iter(item.values()), None) if isinstance(item, dict) else item


def _struct(value: Any, members: Sequence[Member], lose: Lose) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        if value is not None:
            lose()
        return None
    if not value.keys() <= {member.name for member in members}:
        lose()
    return {
        member.name: _member(value[member.name], member, lose)
        for member in members
        if member.name in value
    }


def _member(value: Any, member: Member, lose: Lose) -> Any:
    if member.members:
        return _struct(value, member.members, lose)
    if member.type != "number" or value is None:
        return _text(value, lose)
    number = whole(value)
    if number is UNFIT:
        lose()
        return None
    return number


def _text(value: Any, lose: Lose) -> str | None:
    if isinstance(value, (dict, list)):
        lose()
        return None
    text = cell(value)
    return None if text is None else str(text)
