"""A Data API of one's own, on loopback: for trying out, for docs, for tests."""
