"""The proxies that the environment names; none is used to this machine itself."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import requests

CHECK_PROXY = "Check the proxy in HTTPS_PROXY (or ALL_PROXY)."


def is_loopback(host: str) -> bool:
    """Check if a host name or address is this machine itself."""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def proxy_of(url: str) -> str:
    """Return the host and port of the proxy that the environment names; never its password."""
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    return (proxy or "").rpartition("@")[2].rpartition("//")[2].rstrip("/")
