"""What a report wants of its own, beside what every report takes: one option a parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from comagic_cli.commands.sections import Asked, Decorator, bundle

OPTIONS: dict[str, Decorator[Any]] = {
    "is_realtime": click.option(
        "--realtime",
        cls=Asked,
        is_flag=True,
        help="Visits in real time (is_realtime); left out: not.",
    ),
    "entity_ids": click.option(
        "--entity-id",
        cls=Asked,
        metavar="N|FILE|-",
        multiple=True,
        required=True,
        help="What is asked for: ids, or a file of them (- is stdin).",
    ),
}
"""The options by the parameters that they give; `report_type` is never typed."""


def own_options(params: Iterable[str]) -> Decorator[Any]:
    """Return what gives a command the options of a report's own parameters."""
    return bundle(*(OPTIONS[name] for name in params if name in OPTIONS))
