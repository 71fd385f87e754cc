"""A report as a page: what it says first, then the error by step and by gate as pictures."""
