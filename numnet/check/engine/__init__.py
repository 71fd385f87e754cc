"""How a check is made: subjects, differences, laws, and from wrong numbers to the equation that is wrong."""
