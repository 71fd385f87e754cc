"""The proof that numnet and torchnet agree, with each other and with the slopes of their own outputs."""
