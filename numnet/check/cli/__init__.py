"""The command line: parse arguments, load the objects to check, reduce exceptions to one line."""
