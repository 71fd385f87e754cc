"""How near what is said comes to what people have said: BLEU, by sacrebleu, and how much is said just so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest


def translation_scores(said: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """BLEU (Papineni et al. 2002; Post 2018) of sentences, each of which has one reference or more.

    bleu                  each reference is a sentence by itself, and the only one that is right
    bleu_all_references   a sentence is held beside all of its references at once
    exact                 the share of sentences that are one of their references, sign by sign

    ImportError names the command where sacrebleu is missing.
    """
    if any(isinstance(each, str) for each in (said, references, *references)):
        raise TypeError(
            "translation_scores: a str stands where a list is expected: sentences, and for each a list of references. "
            "One reference? Pass [it]."
        )
    if not said or len(said) != len(references) or not all(references):
        raise ValueError(
            f"translation_scores: {len(said)} sentences have {sum(map(bool, references))} with references, "
            "expected as many. Give each one at least."
        )
    try:
        from sacrebleu import corpus_bleu
    except ImportError:
        raise ImportError("BLEU needs sacrebleu: pip install 'numnet[examples]'") from None
    pairs = [(ours, theirs) for ours, known in zip(said, references) for theirs in known]
    return {
        "bleu": corpus_bleu([ours for ours, _ in pairs], [[theirs for _, theirs in pairs]]).score,
        "bleu_all_references": corpus_bleu(said, [list(each) for each in zip_longest(*references)]).score,
        "exact": sum(ours in known for ours, known in zip(said, references)) / len(said),
    }
