"""Who enters the account: a key or a login; flags first, then the environment, then a profile."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from comagic_cli.config.private_file import read_secret
from comagic_cli.config.profiles import Profile
from comagic_cli.config.services import DEFAULT, host_of
from comagic_cli.errors import UsageProblem

VARIABLES = ("COMAGIC_TOKEN", "COMAGIC_TOKEN_FILE", "COMAGIC_LOGIN", "COMAGIC_PASSWORD")


@dataclass(frozen=True, repr=False)
class Login:
    """Who logs in for a session. Both are secrets: they are in no text made of this value."""

    login: str
    password: str


@dataclass(frozen=True, repr=False)
class Access:
    """A key, or a login where the key is empty, and the profile that has them, "" for none."""

    token: str
    login: Login | None = None
    profile: str = ""


@dataclass(frozen=True)
class Account:
    """Whose data is asked for, by a key or by `login`.

    `token` is a secret: it is in no text made of this value. With a login it is empty.
    `zone` is the user's choice, `saved_zone` what the service said once. `profile` is the one that
    has the key or the login, "" for none.
    """

    url: str
    token: str
    user_id: int | None = None
    zone: str | None = None
    login: Login | None = None
    saved_zone: str | None = None
    profile: str = ""

    @property
    def owner(self) -> str:
        """Tell accounts apart; it holds a secret."""
        return f"login {self.login.login}" if self.login else self.token

    def __repr__(self) -> str:
        return f"Account(url={self.url!r}, token=***, user_id={self.user_id}, zone={self.zone!r})"


NO_PROFILE = Profile()
Warn: TypeAlias = Callable[[str], None]


def ignore(_warning: str) -> None:
    """Drop a warning."""


def find_access(
    token_file: str | None,
    environment: Mapping[str, str],
    profile: Profile = NO_PROFILE,
    *,
    url: str = "",
    warn: Warn = ignore,
) -> Access:
    """Find the credentials of the account.

    The order: `--token-file`, COMAGIC_TOKEN, COMAGIC_TOKEN_FILE, COMAGIC_LOGIN with
    COMAGIC_PASSWORD, the profile. `url` is where they will be sent; "" skips the check of a saved
    token's host. Raises `UsageProblem` where there are none, or half of a login.
    """
    if token_file:
        return Access(read_token(Path(token_file), "--token-file", warn))
    if token := environment.get("COMAGIC_TOKEN", "").strip():
        return Access(_checked(token, "COMAGIC_TOKEN"))
    if named := environment.get("COMAGIC_TOKEN_FILE", "").strip():
        return Access(read_token(Path(named), "COMAGIC_TOKEN_FILE", warn))
    if login := _login_of(environment):
        return Access("", login)
    if profile.entrances:
        if url:
            check_host(profile, url)
        return _access_of(profile, warn)
    if profile.others:
        raise UsageProblem(
            "there is no key to the account, and no usual profile",
            hint=f"Name one with --profile: {', '.join(profile.others)}. "
            f"Or make it the usual one: comagic profiles default {profile.others[0]}",
        )
    raise UsageProblem(
        "there is no key to the account",
        hint="Type comagic login, or put the key in COMAGIC_TOKEN or a file for --token-file; "
        "or try --sandbox.",
    )


def is_of_profile(token_file: str | None, environment: Mapping[str, str]) -> bool:
    """Tell whether neither flag nor environment names what opens the account."""
    return not token_file and not any(environment.get(name, "").strip() for name in VARIABLES)


def check_host(profile: Profile, url: str) -> None:
    """Raise `UsageProblem` where a saved token would go to a host that it was not saved for."""
    saved, other = host_of(profile.text("base-url") or DEFAULT), host_of(url)
    if saved != other:
        raise UsageProblem(
            f"the token of profile {profile.name} was saved for {saved}; it is not sent to {other}",
            hint=f"Save a profile for that host: comagic login NAME --base-url {other}. "
            "Or give its token with COMAGIC_TOKEN or --token-file.",
        )


def read_token(path: Path, origin: str, warn: Warn = ignore) -> str:
    """Read a token from a file of the user; warn where other users can read it.

    Secrets that are mounted in containers are readable by all, and can't be changed.
    """
    text, is_open = read_secret(path, origin)
    if is_open:
        warn(
            f"{origin}: {path} can be read by other users. "
            f"If it is yours: chmod 600 {shlex.quote(str(path))}"
        )
    return _checked(text.strip(), origin)


def _access_of(profile: Profile, warn: Warn) -> Access:
    """Read what opens the account out of a profile: one way only, else one would be ignored."""
    ways = profile.entrances
    match ways:
        case ["token"]:
            key = _checked(profile.text("token").strip(), profile.place("token"))
        case ["token-file"]:
            path = profile.file.parent / Path(profile.text("token-file")).expanduser()
            key = read_token(path, profile.place("token-file"), warn)
        case ["token-command"]:
            # moved

            place = profile.place("token-command")
            key = _checked(key_printed_by(_command(profile), place), place)
        case ["login", "password"]:
            pair = Login(profile.text("login").strip(), profile.text("password"))
            return Access("", pair, profile.name)
        case _:
            raise UsageProblem(
                f"{profile.place()}: it has {' and '.join(ways)}",
                hint="Leave one of token, token-file, token-command, or login and password.",
            )
    return Access(key, profile=profile.name)


def _command(profile: Profile) -> str | list[str]:
    command = profile.values["token-command"]
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return command
    return profile.text("token-command")


def _login_of(environment: Mapping[str, str]) -> Login | None:
    pair = {name: environment.get(name, "") for name in ("COMAGIC_LOGIN", "COMAGIC_PASSWORD")}
    pair["COMAGIC_LOGIN"] = pair["COMAGIC_LOGIN"].strip()
    missing = [name for name, value in pair.items() if not value]
    if len(missing) == len(pair):
        return None
    if missing:
        there = next(name for name in pair if name not in missing)
        raise UsageProblem(
            f"{there} is set, but {missing[0]} is not",
            hint="Set both, or give a key in COMAGIC_TOKEN or --token-file.",
        )
    for name, value in pair.items():
        if any("\ud800" <= char <= "\udfff" for char in value):  # Python's way with other bytes
            raise UsageProblem(f"{name} is no UTF-8 text")
    return Login(*pair.values())


def _checked(token: str, origin: str) -> str:
    if not token:
        raise UsageProblem(f"{origin}: the key is empty")
    if len(token.split()) != 1:
        raise UsageProblem(f"{origin}: the key has blanks or line breaks in it")
    if not token.isprintable():
        raise UsageProblem(f"{origin}: the key has characters in it that no key has")
    return token


PATIENCE = 60.0  # seconds; a person may have to type a password for it


def key_printed_by(command: str | Sequence[str], origin: str, patience: float = PATIENCE) -> str:
    """Run a command and return the first line of what it prints.

    No shell takes part: a text is split at blanks, quotes keep words together, and nothing else
    means anything. What it says on stderr is not shown, for it may hold the key.
    Raises `UsageProblem`.
    """
    words = _words(command, origin)
    try:
        printed = _printed_by(words, patience)
    except OSError as error:
        raise UsageProblem(f"{origin}: {words[0]} can't be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise UsageProblem(
            f"{origin}: {words[0]} did not end within {patience:g} s", hint=_by_hand(words)
        ) from None
    except subprocess.CalledProcessError as error:
        raise UsageProblem(
            f"{origin}: {words[0]} failed ({_ending(error.returncode)})", hint=_by_hand(words)
        ) from None
    try:
        return next(iter(printed.decode("utf-8-sig").splitlines()), "").strip()
    except UnicodeDecodeError:
        raise UsageProblem(f"{origin}: what {words[0]} prints is no text") from None


def _words(command: str | Sequence[str], origin: str) -> list[str]:
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError:
        raise UsageProblem(f"{origin}: a quote is not closed") from None
    if not words or not words[0]:
        raise UsageProblem(f"{origin}: it names no command")
    return words


def _printed_by(words: list[str], patience: float) -> bytes:
    """Return what a command prints; it is ended when it takes too long, or when we are."""
    with subprocess.Popen(  # noqa: S603 - the user's own words, and no shell
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=patience)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words[0])
    return printed


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _by_hand(words: list[str]) -> str:
    """Say what to type to see more. Only the program's name: arguments may be secrets."""
    return f"Type the command of {words[0]} yourself to see why."
