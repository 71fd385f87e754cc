"""Define by run: numbers and arrays that record how they were computed, and a Tape of layers called in any order."""
