"""Everything Click: commands, options, messages."""

COMMAND_LINE = "comagic.command_line"  # in `Context.meta`: the words of the command line
COMPLETE = "_COMAGIC_COMPLETE"  # the variable that the shells' completion scripts set
