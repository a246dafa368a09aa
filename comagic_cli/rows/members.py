"""The members of rows: columns that come under another name, and columns that never come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

SAMPLE = 20  # rows of an answer whose members are all read

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Members:
    """Rename members to the columns that they fill, and remember which columns came.

    `asked` are the columns asked for. `aliases` maps other names to columns. `known` are members
    that may come unasked, such as parts of the key.
    """

    def __init__(
        self, asked: Sequence[str], aliases: Mapping[str, str], known: Sequence[str] = ()
    ) -> None:
        self._asked = frozenset((*asked, *known))
        self._aliases = aliases
        self._missing = dict.fromkeys(asked)
        self._unasked: dict[str, None] = {}

    def read(self, rows: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """Return an answer's rows with their members renamed."""
        try:
            if self._aliases:
                rows = list(map(self._rename, rows))
            self._note(rows)
        except msgspec.DecodeError:  # what is not an object is refused by those who read rows
            pass
        return rows

    @property
    def difference(self) -> tuple[list[str], list[str]]:
        """Return the columns that came in no row, and the unasked members that did.

        Both are empty unless there are some of each: an absent member alone means null.
        """
        if not self._missing or not self._unasked:
            return [], []
        return list(self._missing), list(self._unasked)

    def _rename(self, row: msgspec.Raw) -> msgspec.Raw:
        members = _decode(row)
        for alias, column in self._aliases.items():
            if alias in members and column not in members:
                members[column] = members.pop(alias)
        return msgspec.Raw(_encode(members))

    def _note(self, rows: Sequence[msgspec.Raw]) -> None:
        for row in rows[:SAMPLE]:
            members = _decode(row)
            self._unasked |= dict.fromkeys(members.keys() - self._asked)
            for name in self._missing.keys() & members.keys():
                del self._missing[name]
        for name in list(self._missing):
            member = msgspec.json.encode(name)
            if any(member in memoryview(row).tobytes() for row in rows[SAMPLE:]):
                del self._missing[name]
