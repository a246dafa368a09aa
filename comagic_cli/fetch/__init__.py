"""How it is asked: the network lives here and only here."""
