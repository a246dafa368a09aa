"""A stream that knows how many bytes went through it, and their SHA-256."""

from __future__ import annotations

import hashlib

from comagic_cli.output.stream import Output, Under


class Measured(Output):
    """Write all the bytes given, and count and hash those that were written.

    `digest` and `bytes` begin where an earlier run ended.
    """

    def __init__(
        self, under: Under, name: str, digest: hashlib._Hash | None = None, size: int = 0
    ) -> None:
        super().__init__(under, name)
        self.digest = hashlib.sha256() if digest is None else digest
        self.bytes = size

    @property
    def sha256(self) -> str:
        """Return the hash of all bytes so far, as hexadecimal text."""
        return self.digest.hexdigest()

    def _some(self, left: memoryview) -> int:
        written = super()._some(left)
        self.digest.update(left[:written])
        self.bytes += written
        return written
