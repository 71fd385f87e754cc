"""The foundation of every part: operations, layouts, initial values, lengths, input validation, checkpoint files."""
