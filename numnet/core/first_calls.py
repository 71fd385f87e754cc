"""What users of PyTorch and Keras pass to a call first, layer(x, mask=...), and what to pass here: by keyword.

The input that is meant, and how to give it; an input of "" is none. A part that does not take the input that is meant
answers as for an unknown word.
"""

from __future__ import annotations

from numnet.core.first_words import by_word

STATE = "state", "Use state: h (B, H), or (h, c) of an LSTM"
LENGTHS = "lengths", "Use lengths, the number of steps (B,) of each row, or a mask (B, T), true at real steps"
MODES = "", "Leave it out: loss_and_grads trains, predict and evaluate do not; train() and eval() set the mode"

CALLS: dict[str, tuple[str, str]] = by_word(
    {
        "mask padding_mask attention_mask sequence_length sequence_lengths seq_lengths lens input_lengths": LENGTHS,
        "training": MODES,
        "initial_state init_state hx h0 hidden states": STATE,
        "input inputs": ("x", "Use x, or no name"),
        "return_hidden return_states": ("return_state", "Use return_state: y, state = layer(x, return_state=True)"),
        "reset_mask is_initial dones": ("resets", "Use resets (B, T), true where the state is zero before that step"),
        "verbose": ("", "Leave it out: a call prints nothing"),
        "batch_size": ("", "Leave it out: x is one batch"),
    }
)
