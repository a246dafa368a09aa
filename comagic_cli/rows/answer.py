"""What a successful call brought."""

from __future__ import annotations

import msgspec

from comagic_cli.rows.page import rows_of


class Answer(msgspec.Struct, frozen=True):
    r"""The answer to a successful call.

    `came` is the undecoded data: JSON, or the JSON of each item of a list. `total` is
    `total_items`, `None` if it is missing. `limits` are the numbers of `metadata.limits`. `size`
    is the body's bytes after decompression. `marker` stands in it for the `\u` of a lone surrogate
    (see `rows.decode`). `unbroken` says that it holds no line break.
    """

    came: msgspec.Raw | bytes | list[msgspec.Raw]
    total: int | None = None
    limits: dict[str, int] = {}
    size: int = 0
    marker: bytes = b""
    unbroken: bool = False

    @property
    def data(self) -> bytes:
        """Return the data as one JSON text."""
        if isinstance(self.came, list):
            return b"[" + b",".join(self.came) + b"]"
        return bytes(self.came)

    @property
    def rows(self) -> list[msgspec.Raw]:
        """Return the JSON of each item. Raises `msgspec.DecodeError` if it is not a list."""
        return self.came if isinstance(self.came, list) else rows_of(self.came)
