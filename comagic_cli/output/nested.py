"""Lists of values, as the catalogue foresees their items: texts, or structs of known members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from comagic_cli.output.flatten import cell
from comagic_cli.output.kinds import UNFIT, whole
from comagic_cli.request.catalog import Field, Member

Lose: TypeAlias = Callable[[], None]
"""What is called where a value has more than is taken of it."""

TAG = (Member("id", "number"), Member("name", "string"), Member("color", "string"))
TEXT = Member("", "string")


class ListReader:
    """Take a field's lists; `item` is what one item is: a text, or an object of members.

    Items that have one and the same member only are taken for that member. Tags are the list of
    their items.
    """

    def __init__(self, field: Field) -> None:
        self._tags = field.name == "tags"
        members = TAG if self._tags else field.members
        self.item = Member("", "object", members) if len(members) > 1 else TEXT
        self._documented = frozenset(member.name for member in members)

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


def _inner(item: Any) -> Any:
    return next(iter(item.values()), None) if isinstance(item, dict) else item


def _struct(value: Any, members: Sequence[Member], lose: Lose) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        if value is not None:
            lose()
        return None
    if not value.keys() <= {member.name for member in members}:
        lose()
    return {member.name: _member(value.get(member.name), member, lose) for member in members}


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
