"""BLEU (by sacrebleu) and exact-match rate."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from numnet.core.checks import check_choice, check_size, validate_call
from numnet.core.checks.runs import check_sentences

TOKENIZERS = ("13a", "none", "char", "intl", "zh")  # sacrebleu's others need files that it downloads


@validate_call
def translation_scores(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenize: str = "13a",
    max_ngram_order: int = 4,
) -> dict[str, float]:
    """Return BLEU (Papineni et al. 2002; Post 2018) of sentences, each with one or more references.

    bleu                  every (sentence, reference) pair is scored as a sentence with a single reference
    bleu_all_references   every sentence is compared with all of its references at once
    exact                 the fraction of sentences that are identical to one of their references

    tokenize              how sacrebleu cuts a sentence into words: "13a", "none" at spaces, "char", "intl", "zh"
    max_ngram_order       up to how many words in a row are compared

    Without sacrebleu, ImportError names the command that installs it.
    """
    check_sentences(hypotheses, references)
    check_choice("translation_scores", "tokenize", tokenize, TOKENIZERS)
    check_size("translation_scores", max_ngram_order=max_ngram_order)
    if not hypotheses or len(hypotheses) != len(references) or not all(references):
        raise ValueError(
            f"translation_scores: {len(hypotheses)} sentences and {sum(map(bool, references))} non-empty lists of "
            "references, expected as many of each, at least one. Give every sentence one reference or more."
        )
    try:
        from sacrebleu import BLEU
    except ImportError:
        raise ImportError("BLEU needs sacrebleu: pip install 'numnet[examples]'") from None
    bleu = BLEU(tokenize=tokenize, max_ngram_order=max_ngram_order)
    pairs = [(ours, theirs) for ours, known in zip(hypotheses, references) for theirs in known]
    return {
        "bleu": bleu.corpus_score([ours for ours, _ in pairs], [[theirs for _, theirs in pairs]]).score,
        "bleu_all_references": bleu.corpus_score(hypotheses, [list(each) for each in zip_longest(*references)]).score,
        "exact": sum(ours in known for ours, known in zip(hypotheses, references)) / len(hypotheses),
    }
