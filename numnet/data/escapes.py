r"""The tokens of a tree's text, and its words as the Penn Treebank writes them: ( is -LRB-, and / is \/."""

from __future__ import annotations

import re

TOKENS = re.compile(r"[()]|[^() \t]+")  # a no-break space belongs to its word: 8 1/2
ESCAPED = re.compile(r"-[LR][RCS]B-|\\(?=[/*])")
ESCAPES = {"-LRB-": "(", "-RRB-": ")", "-LCB-": "{", "-RCB-": "}", "-LSB-": "[", "-RSB-": "]", "\\": ""}
BACKSLASH = re.compile(r"\\(?=[/*])")  # one that belongs to the word


def unescape(text: str) -> str:
    """Return the word that a text stands for."""
    return ESCAPED.sub(lambda found: ESCAPES[found[0]], text)


def escape(word: str) -> str:
    """Return the text of a word. It has no brackets; unescape returns the word, unless it contains such as -LRB-."""
    return BACKSLASH.sub(r"\\\\", word).replace("(", "-LRB-").replace(")", "-RRB-")
