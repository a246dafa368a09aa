"""How rows are written: one class a format, all with the same three methods."""
