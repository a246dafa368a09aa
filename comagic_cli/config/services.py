"""Services by name. An account of one service is unknown to the others."""

from __future__ import annotations

from urllib.parse import urlsplit

BRANDS = {
    "comagic": "https://dataapi.comagic.ru/v2.0",
    "uis": "https://dataapi.uiscom.ru/v2.0",
    "callgear": "https://dataapi.callgear.com/v2.0",
    "callgear-ae": "https://dataapi.callgear.ae/v2.0",
    "novofon": "https://dataapi-jsonrpc.novofon.ru/v2.0",
}
DEFAULT = "comagic"


def resolve_service(text: str) -> str:
    """Return the URL of a service; a text that is not a name is a URL already."""
    return BRANDS.get(text.strip().lower(), text)


def service_name(url: str) -> str:
    """Return the name of a service, or the URL if it has none."""
    return next((name for name, brand_url in BRANDS.items() if brand_url == url), url)


def service_host(service: str) -> str:
    """Return the host of a service, with the port if it is not the default one."""
    url = resolve_service(service).strip()
    try:
        parts = urlsplit(url if "//" in url else f"https://{url}")
        port = parts.port
    except ValueError:
        return url
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.hostname or "") + (f":{port}" if port not in (None, default) else "")
