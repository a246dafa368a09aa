"""Lists of what the invented business has."""
