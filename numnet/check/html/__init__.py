"""A report as an HTML page: the findings, the table, then heat maps of the error by step and by gate."""
