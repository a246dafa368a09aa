"""The invented business: a maker of windows, told by `business.json`, a seed and row numbers.

A row is never stored: each of its fields is made when asked for, out of the row's hash. A `Maker`
makes one field of a row; None is "nothing", whatever shape the wire gives that.
"""

from __future__ import annotations

import json
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from comagic_cli.sandbox.data.rhythm import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MASK: Final = (1 << 64) - 1
SPREAD: Final = 0x9E3779B97F4A7C15  # the golden ratio, as splitmix64 uses it

# Rows come in blocks of fixed content, so that the n-th call is found without counting.
BLOCK: Final = 20
CALL, CHAT, REQUEST, EMAIL, GOAL = "call", "chat", "offline_message", "email", "goal"
IN_BLOCK: Final = {CALL: 11, CHAT: 4, REQUEST: 2, EMAIL: 1, GOAL: 2}
NOT_EMAIL: Final = "not " + EMAIL  # what the older report of communications has
_HASHES: Final = 1 << 14  # remembered for each seed
_ORDERS: Final = 64  # so many ways of ordering a block's types

FIRST_ID: Final = 3_200_000_000  # above 2^31
ID_STEP: Final = 32  # ids a block takes
FIRST_PERSON: Final = 5_100_000_000
PERSONS, PERSON_ROWS = 24, 64  # that many persons share that many rows
FIRST_VISIT: Final = 7_400_000_000
VISITS_MIXED: Final = 15  # so many visits have ids that don't follow their times

Maker = "Callable[[Row], Any]"


@cache
def words() -> dict[str, Any]:
    """Read the business's vocabulary."""
    text = files("comagic_cli.sandbox.data").joinpath("business.json").read_text("utf-8")
    vocabulary: dict[str, Any] = json.loads(text)
    return vocabulary


def mixed(number: int) -> int:
    """Mix a number into 64 bits that look random (splitmix64)."""
    number = number * SPREAD & MASK
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & MASK
    return number ^ number >> 31


def hasher(seed: int) -> Callable[[int], int]:
    """Return the function that hashes row numbers for a seed."""
    start = mixed(seed + 1)
    # A row's time and its fields ask for the same hash, and neighbours share their block's.
    return lru_cache(_HASHES)(lambda number: mixed(number + start))


def salt(name: str) -> int:
    """Return the odd multiplier that makes a field's rolls differ from another's."""
    return mixed(crc32(name.encode())) | 1


def _order(number: int) -> tuple[str, ...]:
    kinds = [kind for kind, count in IN_BLOCK.items() for _ in range(count)]
    return tuple(sorted_by(kinds, lambda place: mixed(number * BLOCK + place + 1)))


def sorted_by(items: Sequence[str], key: Callable[[int], int]) -> list[str]:
    """Sort items by a key of their places."""
    return [items[place] for place in sorted(range(len(items)), key=key)]


ORDERS: Final = tuple(_order(number) for number in range(_ORDERS))
PLACES: Final = {
    kind: tuple(tuple(p for p in range(BLOCK) if order[p] == kind) for order in ORDERS)
    for kind in IN_BLOCK
} | {NOT_EMAIL: tuple(tuple(p for p in range(BLOCK) if order[p] != EMAIL) for order in ORDERS)}
_SO_MANY: Final = IN_BLOCK | {NOT_EMAIL: BLOCK - IN_BLOCK[EMAIL]}


class Business:
    """One account's business, made from a seed."""

    def __init__(self, seed: int, account: int = 0) -> None:
        self.account = account  # the customer of an agent
        self.hashed = hasher(seed)
        self._blocks = hasher(seed ^ 0x5EED)

    def order(self, block: int) -> int:
        """Return which of the orders a block has."""
        return self._blocks(block) % _ORDERS

    def kind(self, number: int) -> str:
        """Return the type of the communication of a row number."""
        block, place = divmod(number, BLOCK)
        return ORDERS[self.order(block)][place]

    def nth(self, kind: str, number: int) -> int:
        """Return the row number of the n-th communication of a type."""
        block, place = divmod(number, _SO_MANY[kind])
        return block * BLOCK + PLACES[kind][self.order(block)][place]

    def communication_id(self, number: int) -> int:
        """Return a communication's id, unique only together with its type.

        Ids don't follow time within a block, and some chats have the id of a call.
        """
        block, place = divmod(number, BLOCK)
        order = ORDERS[self.order(block)]
        if order[place] == CHAT and place and order[place - 1] == CALL:
            place -= 1
        return FIRST_ID + block * ID_STEP + place * 7 % BLOCK

    def call_number(self, communication_id: int) -> int | None:
        """Return the row number of the call with that id, if there is one."""
        block, place = divmod(communication_id - FIRST_ID, ID_STEP)
        if block < 0 or place >= BLOCK:
            return None
        number = block * BLOCK + place * 3 % BLOCK  # 3 undoes 7: 21 is 1 modulo 20
        return number if self.kind(number) == CALL else None

    def chat_number(self, communication_id: int) -> int | None:
        """Return the row number of the chat with that id, if there is one."""
        block, place = divmod(communication_id - FIRST_ID, ID_STEP)
        if block < 0 or place >= BLOCK:
            return None
        place = place * 3 % BLOCK
        numbers = [block * BLOCK + each for each in (place, place + 1) if each < BLOCK]
        for number in numbers:
            is_it = self.kind(number) == CHAT and self.communication_id(number) == communication_id
            if is_it:
                return number
        return None


def visit_id(index: int) -> int:
    """Return the id of a visit; ids of neighbours don't follow their times."""
    block, place = divmod(index, VISITS_MIXED)
    return FIRST_VISIT + block * VISITS_MIXED + place * 7 % VISITS_MIXED


class Row:
    """One row: its number, the number it was placed at, its stored time, and its hash.

    `index` counts the report's own rows; `number` is the communication that the row is about.
    `part` counts the rows of one communication, such as the legs of a call. `is_unusual` marks a
    call that goes on, and a technical message.
    """

    def __init__(
        self, business: Business, index: int, number: int, stored: int, shift: int
    ) -> None:
        self.business = business
        self.index = index
        self.number = number
        self.stored = stored
        self.seconds = (stored + shift) // 1_000_000  # the shown time; `shift` rounds it
        self.hash = business.hashed(number)
        self.given: Mapping[str, Any] | None = None
        self.part = 0
        self.is_unusual = False

    @cached_property
    def kind(self) -> str:
        """The type of the communication."""
        return self.business.kind(self.number)

    @cached_property
    def identity(self) -> int:
        """The id of the communication."""
        return self.business.communication_id(self.number)

    @cached_property
    def person(self) -> int:
        """The number of the person."""
        group = self.number // PERSON_ROWS
        return group * PERSONS + (self.hash >> 20) % PERSONS

    @cached_property
    def person_hash(self) -> int:
        """The hash of the person."""
        return self.business.hashed(self.person ^ 0x9E4 << 44)

    @cached_property
    def shown(self) -> str:
        """The shown time."""
        return moment(self.seconds * 1_000_000).isoformat(" ", "seconds")


def roll(row: Row, name_salt: int, sides: int) -> int:
    """Roll a die of so many sides, the same for the same row and salt."""
    return ((row.hash * name_salt & MASK) >> 32) % sides


def one_of(name: str, choices: Sequence[Any], nothing: int = 0) -> Callable[[Row], Any]:
    """Make one of the choices, and nothing in so many rows of a hundred."""
    multiplier, sides = salt(name), len(choices)

    def make(row: Row) -> Any:
        rolled = (row.hash * multiplier & MASK) >> 32
        return None if rolled % 100 < nothing else choices[rolled // 100 % sides]

    return make


def number_of(name: str, low: int, high: int, nothing: int = 0) -> Callable[[Row], Any]:
    """Make a number from `low` to `high`, and nothing in so many rows of a hundred."""
    return one_of(name, range(low, high + 1), nothing)


def pair(name: str, pairs: Sequence[Sequence[Any]], nothing: int = 0) -> Callable[[Row], Any]:
    """Make an object of value and value_id."""
    return one_of(name, [{"value": value, "value_id": id_} for value, id_ in pairs], nothing)


def only(kinds: tuple[str, ...], make: Callable[[Row], Any]) -> Callable[[Row], Any]:
    """Make a field for communications of these types and nothing for others."""
    return lambda row: make(row) if row.kind in kinds else None


def part(name: str, records: Sequence[Mapping[str, Any]], key: str) -> Callable[[Row], Any]:
    """Make one member of the record that `name` picks: rows agree on the record."""
    return one_of(name, [record.get(key) for record in records])


def clock(seconds: int) -> str:
    """Write a duration as HH:MM:SS."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
