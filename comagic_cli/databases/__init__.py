"""Tables of databases: rows are inserted or updated by their keys."""
