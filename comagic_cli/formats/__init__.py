"""Formats: rows to the bytes of a file, one module per format."""
