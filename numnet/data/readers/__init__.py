"""Readers of the file formats of sequence tasks; each error names the file and the line."""
