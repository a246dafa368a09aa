"""Every row exactly once. Nothing here knows HTTP: it is given a callable that asks."""
