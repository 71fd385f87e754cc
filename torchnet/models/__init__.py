"""Networks made of layers: a stack, an encoder with a decoder, their decoding, generation and checkpoints."""
