"""The table of public data sets: where each is published, its SHA-256 and its licence."""

from __future__ import annotations

from typing import NamedTuple


class Extract(NamedTuple):
    """A file that the local folder may have in place of a source."""

    path: str
    what: str
    sha256: str = ""


class Source(NamedTuple):
    """A published file, or a published folder of files.

    path     the path in the cache and in the local folder
    url      of the file; with member, of a zip that has a file of that name; with parts, of their folder, ending in /
    sha256   of the file, or of all parts concatenated in order; "" if it is unknown
    instead  the files that the local folder may have in its place; the first one present is used
    """

    path: str
    url: str
    what: str
    licence: str
    sha256: str = ""
    member: str = ""
    parts: tuple[str, ...] = ()
    instead: tuple[Extract, ...] = ()

    def kinds(self) -> list[Source | Extract]:
        """Return the source itself, then its extracts."""
        return [self, *self.instead]


RAW = "https://raw.githubusercontent.com"
EWT = f"{RAW}/UniversalDependencies/UD_English-EWT/15d613d8447b3478787d4c278730a1e48a945efb"
SST = "https://nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip"
SNLI = "https://nlp.stanford.edu/projects/snli/snli_1.0.zip"
GLOVE = "https://nlp.stanford.edu/data/wordvecs/glove.6B.zip"
LANGUAGES = """Arabic Chinese Czech Dutch English French German Greek Irish Italian Japanese Korean Polish Portuguese
    Russian Scottish Spanish Vietnamese"""
SHARE_ALIKE, DOMAIN, UNSTATED = "CC BY-SA 4.0", "text: public domain", "not stated: download only"

SOURCES: dict[str, Source] = {
    "tinyshakespeare": Source(
        "tinyshakespeare/input.txt",
        f"{RAW}/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
        "1,115,394 characters of plays",
        DOMAIN,
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
    "timemachine": Source(
        "timemachine/timemachine.txt",
        f"{RAW}/d2l-ai/d2l-zh/5918a8b9e8dd92e5085c15118e76c919b04f09a7/data/timemachine.txt",
        "178,979 bytes, a novel",
        "text: public domain (US)",
        sha256="8424dbd9532ac81f7e5f0b6add90e6952baea29158309d7d1bf3884f4e12c516",
    ),
    "ewt-train": Source(
        "ud_english_ewt/en_ewt-ud-train.conllu",
        f"{EWT}/en_ewt-ud-train.conllu",
        "12,544 tagged sentences",
        SHARE_ALIKE,
        sha256="3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b",
    ),
    "ewt-dev": Source(
        "ud_english_ewt/en_ewt-ud-dev.conllu",
        f"{EWT}/en_ewt-ud-dev.conllu",
        "2,001 tagged sentences",
        SHARE_ALIKE,
        sha256="531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
    ),
    "ewt-test": Source(
        "ud_english_ewt/en_ewt-ud-test.conllu",
        f"{EWT}/en_ewt-ud-test.conllu",
        "tagged sentences",
        SHARE_ALIKE,
        sha256="e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd",
    ),
    "sst-train": Source(
        "sst/train.txt",
        SST,
        "8,544 trees with labels",
        UNSTATED,
        member="train.txt",
        sha256="e2f3f41b0b1e6d4dddc0effe3bfc2d27ed8928079aa9a03d652311614fc5feb7",
    ),
    "sst-dev": Source(
        "sst/dev.txt",
        SST,
        "1,101 trees with labels",
        UNSTATED,
        member="dev.txt",
        sha256="0e9336aed6e4730e19f58d00a77b3f0297efdb755f7b5e598c98a05e3f97ea40",
    ),
    "sst-test": Source(
        "sst/test.txt",
        SST,
        "trees with labels",
        UNSTATED,
        member="test.txt",
    ),
    "snli-train": Source(
        "snli/snli_1.0_train.jsonl",
        SNLI,
        "550,152 pairs, parsed",
        SHARE_ALIKE,
        member="snli_1.0_train.jsonl",
        instead=(
            Extract("snli/snli_1.0_train.jsonl.gz", "all of it, packed"),
            Extract(
                "snli/snli_1.0_train_first1024.jsonl.gz",
                "the first 1,024 pairs",
                "fe589c9b787721e24aeacf3dc35deb8c1a185d885ea07df11455f41f1ab9a5d9",
            ),
        ),
    ),
    "snli-dev": Source(
        "snli/snli_1.0_dev.jsonl",
        SNLI,
        "10,000 pairs, parsed",
        SHARE_ALIKE,
        member="snli_1.0_dev.jsonl",
        instead=(
            Extract(
                "snli/snli_1.0_dev.jsonl.gz",
                "all of it, packed",
                "e5cfcc71b4846c40e06bae364a13312adeb434884e9a7cedf67037bdd212e39d",
            ),
        ),
    ),
    "snli-test": Source(
        "snli/snli_1.0_test.jsonl",
        SNLI,
        "10,000 pairs, parsed",
        SHARE_ALIKE,
        member="snli_1.0_test.jsonl",
        instead=(Extract("snli/snli_1.0_test.jsonl.gz", "all of it, packed"),),
    ),
    "glove-50": Source(
        "glove/glove.6B.50d.txt",
        GLOVE,
        "400,000 words x 50; zip of 822 MB",
        "PDDL",
        member="glove.6B.50d.txt",
        instead=(
            Extract(
                "glove/glove.6B.50d.subset7849.txt",
                "7,849 words, with gaps",
                "fb789c25ccfb8733e782002d7a244046b6d0a3b9cc91c8a38df10cafd87b2697",
            ),
        ),
    ),
    "glove-100": Source(
        "glove/glove.6B.100d.txt",
        GLOVE,
        "400,000 words x 100; zip of 822 MB",
        "PDDL",
        member="glove.6B.100d.txt",
    ),
    "glove-200": Source(
        "glove/glove.6B.200d.txt",
        GLOVE,
        "400,000 words x 200; zip of 822 MB",
        "PDDL",
        member="glove.6B.200d.txt",
    ),
    "glove-300": Source(
        "glove/glove.6B.300d.txt",
        GLOVE,
        "400,000 words x 300; zip of 822 MB",
        "PDDL",
        member="glove.6B.300d.txt",
    ),
    "fra-eng": Source(
        "fra-eng/fra.txt",
        "http://www.manythings.org/anki/fra-eng.zip",
        "English and French sentences",
        "CC BY 2.0 FR",
        member="fra.txt",
        instead=(
            Extract(
                "fra-eng/fra_first30000.txt",
                "the first 30,000 pairs",
                "aaa4985dbeb29197bc11549e030556b2770a46460695381a7e0b252431a314e3",
            ),
        ),
    ),
    "names": Source(
        "names",
        f"{RAW}/spro/practical-pytorch/c520c52e68e945d88fff563dba1c028b6ec0197b/data/names/",
        "20,050 surnames, 18 languages",
        "MIT",
        sha256="8cb5d785e418621c9ae2a9769a0c3360878c05c6fcb4b5457ce4d5ac059ec65d",
        parts=tuple(f"{language}.txt" for language in LANGUAGES.split()),
    ),
}
