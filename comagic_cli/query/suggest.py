"""What a word that is not known was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

MOST = 3  # names; more are no hint
BEHIND = 0.15  # of likeness; a name less like than the best by more is not meant
SHORTEST = 3  # letters; fewer stand in too many names
BEGUN = 0.9  # how like a name is that begins with the word


def near(word: str, names: Iterable[str], least: float = 0.6) -> list[str]:
    """Return the names most like a word, at most three; where none is, those that have it in them.

    `least` is how like they must be at least, from 0 to 1.
    """
    known, low = list(dict.fromkeys(names)), word.lower()
    likeness = {name: _likeness(name.lower(), low) for name in known}
    best = max(likeness.values(), default=0)
    like = [name for name in known if likeness[name] >= max(least, best - BEHIND)]
    if like:
        return sorted(like, key=lambda name: -likeness[name])[:MOST]
    return [name for name in known if len(low) >= SHORTEST and low in name.lower()][:MOST]


def _likeness(name: str, word: str) -> float:
    begun = len(word) >= SHORTEST and name.startswith(word)
    return max(SequenceMatcher(None, name, word).ratio(), BEGUN * begun)


def meant(word: str, names: Iterable[str], least: float = 0.6) -> str:
    """Ask whether one of the names near a word was meant; "" where there are none."""
    found = near(word, names, least)
    *others, last = found or [""]
    listed = f"{', '.join(others)} or {last}" if others else last
    return f"Did you mean {listed}?" if found else ""
