"""Recordings of the sandbox: those that are wanted, and faults of their downloads."""

from __future__ import annotations

from comagic_cli.sandbox.media import RECORDING
from comagic_cli.sandbox.quirks import Fault

NAMES = "{date}/{communication_id}-{record_id}.{ext}"
WINDOW = ("2024-10-01 00:00:00", "2024-10-05 23:59:59")


def of_media(*faults):
    """Plan faults of recordings: kind, and how often or at which requests."""
    return tuple(
        Fault(kind, every=when, method=RECORDING, seconds=0.01)
        if isinstance(when, int)
        else Fault(kind, at=when, method=RECORDING, seconds=0.01)
        for kind, when in faults
    )


def wanted(box, field="call_records", command="calls"):
    """Return the ids of all recordings, each with its call's."""
    id_ = "communication_id" if command == "calls" else "id"
    calls = box.truth(command, *WINDOW, fields=[id_, field])
    return [(call[id_], record) for call in calls for record in call[field] or ()]


class Spied(list):
    """A journal that tells of each call before it is answered."""

    def __init__(self, spy):
        super().__init__()
        self._spy = spy

    def append(self, call):
        self._spy(call)
        super().append(call)
