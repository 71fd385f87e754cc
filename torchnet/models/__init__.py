"""Networks of layers: a stack, an encoder-decoder, decoding, text generation and checkpoints."""
