"""The invented business: its rows, each made out of its number."""
