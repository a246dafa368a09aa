"""Everything Click: commands, options, messages."""
