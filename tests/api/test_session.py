"""The key of a session: when a login is made for it, and what is kept of it."""

from __future__ import annotations

import json
import re

import pytest
from clocks import Ticking

from comagic_cli.api.session import Session
from comagic_cli.errors import ComagicError, NotAllowed, Refused
from comagic_cli.files.cache import Cache
from comagic_cli.rows.page import Answer

LOGIN, PASSWORD = "me+you@firm.example", 'pa ss/"word"'
WRONG = "login.user: the login or password is wrong"
CHECK = "Check COMAGIC_LOGIN and COMAGIC_PASSWORD."
EARLY = 100.0  # the first second of a test


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


# The key of a session


class Door:
    """Answers logins in turn, and counts them; the last answer stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.params = []

    def __call__(self, params):
        self.params.append(params)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ComagicError):
            raise answer
        return Answer(json.dumps(answer).encode())


def opened(key="key-1", **more):
    return {"access_token": key, "app_id": 1, **more}


def session(cache=None, now=lambda: EARLY, password=PASSWORD):
    return Session(LOGIN, password, "session-x", cache, now)


@pytest.mark.parametrize(
    "data", [opened(), [opened()], opened(expire_at=None), opened(expire_at="soon", other=1)]
)
def test_a_login_is_made_when_a_key_is_needed_and_once(data):
    door, made = Door(data), session()
    assert door.params == []
    assert [made.token(door), made.token(door)] == ["key-1", "key-1"]
    assert door.params == [{"login": LOGIN, "password": PASSWORD}]
    assert made.logins == 1


@pytest.mark.parametrize(
    ("end", "good_for"),
    [
        *((end, 3420) for end in ({}, {"expire_at": EARLY + 3600}, {"expire": "3700"})),
        *(({"expire_at": end}, 820) for end in (EARLY + 1000, 1100.0, "1100", "1100.0")),
        *(({"expire_at": end}, 3420) for end in (0, -5, EARLY + 300, EARLY + 9999, 1.79e12)),
        *(({"expire_at": end}, 3420) for end in ("", "soon", [], {}, True, "nan", 10**400)),
    ],
)
def test_a_session_is_used_until_three_minutes_before_its_end(cache, end, good_for):
    clock = Ticking(EARLY)
    made, other = session(cache, clock), session(cache, clock)
    door = Door(opened("key-1", **end), opened("key-2"))
    made.token(door)
    clock.seconds = EARLY + good_for - 1
    assert (made.token(door), other.token(door)) == ("key-1", "key-1")
    clock.seconds += 1
    assert (made.token(door), other.token(door)) == ("key-2", "key-2")
    assert len(door.params) == 2


@pytest.mark.parametrize(
    "data", [None, [], {}, "text", {"access_token": None}, {"access_token": 5}, opened("")]
)
def test_a_login_without_a_key_in_its_answer(cache, data):
    with pytest.raises(Refused) as caught:
        session(cache).token(Door(data))
    assert caught.value.message == "login.user: the answer contains no token"
    assert session(cache).token(Door(opened())) == "key-1"


def test_an_answer_that_is_cut_has_no_key():
    with pytest.raises(Refused):
        session().token(lambda _: Answer(b'{"access_token": "key'))


def test_a_session_that_has_ended_is_not_used_again(cache):
    door = Door(opened("key-1"), opened("key-2"))
    first, second = session(cache), session(cache)
    first.token(door)
    second.token(door)
    second.drop("key-1")
    assert second.token(door) == "key-2"
    first.drop("key-1")
    assert first.token(door) == "key-2"  # what the other has opened meanwhile
    assert len(door.params) == 2


@pytest.mark.parametrize(
    "kept", ["", "{", "5", '{"token":5}', '{"token":"","ends":3000}', '{"token":"k","ends":99999}']
)
def test_what_is_kept_and_makes_no_sense_is_not_used(cache, kept):
    cache.set("session-x", kept)
    assert session(cache).token(Door(opened())) == "key-1"


def test_no_secret_is_in_a_session_s_text(cache):
    made = session(cache)
    made.token(Door(opened("key-1")))
    shown = f"{made!r} {made._open!r}"
    assert [word for word in (LOGIN, PASSWORD, "key-1") if word in shown] == []
    assert set(made.secrets) == {LOGIN, PASSWORD, "key-1"}


# A wrong password


def wrong():
    return NotAllowed(WRONG, mnemonic="auth_error")


def key_or_error(made, door):
    try:
        return made.token(door)
    except NotAllowed as error:
        return error.message, error.hint


def test_a_refused_password_is_left_alone_for_ten_minutes(cache):
    clock, door = Ticking(EARLY), Door(wrong())
    assert key_or_error(session(cache, clock), door) == (
        WRONG,
        CHECK,
    )
    clock.seconds += 42
    for _ in range(10):
        assert key_or_error(session(cache, clock), door) == (
            f"{WRONG}: it was refused 42 s ago, and will be tried again in 9 min 18 s",
            f"{CHECK} Another password is tried at once.",
        )
    assert len(door.params) == 1
    clock.seconds = EARLY + 600
    assert session(cache, clock).token(Door(opened())) == "key-1"


def test_another_password_is_tried_at_once(cache):
    key_or_error(session(cache, password="first"), Door(wrong()))
    assert session(cache, password="second").token(Door(opened())) == "key-1"


def test_other_refusals_are_not_kept(cache):
    for _ in range(2):
        door = Door(NotAllowed("not from here", mnemonic="ip_not_whitelisted"))
        assert key_or_error(session(cache), door) == ("not from here", "")
        assert len(door.params) == 1


def test_without_a_memory_a_refusal_is_told_each_time():
    door = Door(wrong())
    assert key_or_error(session(), door) == key_or_error(session(), door)
    assert len(door.params) == 2


def test_a_refused_password_cannot_be_read_from_what_is_kept(cache):
    for _ in range(2):
        key_or_error(session(cache), Door(wrong()))
    kept = {path.name: path.read_text() for path in cache.directory.iterdir()}
    assert set(kept) == {"session-x.refused"}
    assert re.fullmatch(
        r'{"at":100.0,"salt":"[0-9a-f]{32}","digest":"[0-9a-f]{128}"}', kept["session-x.refused"]
    )
