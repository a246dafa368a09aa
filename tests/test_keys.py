"""A set of keys in little memory is a set all the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from comagic_cli.fetch.keys import BETWEEN, Keys

KEYS = st.text(f"ab{BETWEEN}\n", min_size=1, max_size=4)


@given(st.lists(st.sets(KEYS, max_size=6)), st.sets(KEYS), st.sampled_from([1, 10, 1 << 18]))
def test_keys_are_those_of_a_set(pages, asked, together):
    keys, truth = Keys(together), set()
    for page in pages:
        assert keys.take(page) == page & truth
        truth |= page
        assert len(keys) == len(truth)
    assert {key for key in asked if keys.has(key)} == asked & truth
    assert keys.all() - {""} == truth
    assert keys.take(asked) == asked & truth


def test_small_pages_are_kept_together():
    keys = Keys()
    for number in range(1000):
        keys.take({f"{number}\x1fcall"})
    assert len(keys._pages) == 1
    assert keys.has("999\x1fcall")
    assert not keys.has("99 \x1fcall")
