"""What every part stands on: operations, layouts, initial values, lengths, checks, the file of a checkpoint."""
