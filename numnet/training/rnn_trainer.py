"""The trainer of Weidman's *Deep Learning from Scratch* (2019, chapter 6): a model learns the characters of a text."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from numnet.core.checks import check_count, check_generates, check_size, check_temperature, validate_call
from numnet.core.checks.runs import check_optimizer, check_trains
from numnet.core.checks.texts import check_character, check_characters_of_model
from numnet.core.show import Answering
from numnet.data.batches.tokens import SequentialBatches
from numnet.data.readers.text import read_text
from numnet.models.generate import choose, last_logits
from numnet.training.callbacks import Callback
from numnet.training.history import History, mean
from numnet.training.trainer import Trainer


class RNNTrainer(Answering):
    """Train a model to predict the next character of a text file, and print samples of what it writes.

        layers = [LSTMLayer(hidden_size=256, output_size=62)]
        model = RNNModel(layers, loss=SoftmaxCrossEntropy(), input_size=62)
        trainer = RNNTrainer("input.txt", model, SGD(learning_rate=0.001, clip_value=2.0), batch_size=32)
        trainer.train(num_iterations=1000, sample_every=100)

    The model reads and predicts V classes, the characters of the text in the order of `chars`; `char_to_idx` and
    `idx_to_char` convert them. The text is cut into `batch_size` long rows, and these into windows of
    `sequence_length`, from each of which the state is carried to the next. `trainer` is the Trainer that runs.
    Errors in the book's chapter that this class does not have: the state of a row is its own, samples come as often as
    `sample_every` says, and the order of the characters is the same in every process.
    """

    @validate_call
    def __init__(
        self,
        text_file: str | os.PathLike[str],
        model: Any,
        optimizer: Any,
        batch_size: int = 32,
        sequence_length: int = 25,
        seed: int = 0,
    ) -> None:
        check_generates("RNNTrainer", model, list(getattr(model, "layers", ())))
        check_trains("RNNTrainer", model)
        check_optimizer("RNNTrainer", optimizer, model)
        check_size("RNNTrainer", batch_size=batch_size, sequence_length=sequence_length)
        self.text_file, self.model, self.optimizer = text_file, model, optimizer
        self.batch_size, self.sequence_length, self.seed = batch_size, sequence_length, seed
        self.data = read_text(text_file)
        self.chars = sorted(set(self.data))
        self.char_to_idx = {char: k for k, char in enumerate(self.chars)}
        self.idx_to_char = dict(enumerate(self.chars))
        check_characters_of_model("RNNTrainer", model, len(self.chars))
        batches = SequentialBatches(
            np.array([self.char_to_idx[char] for char in self.data]), batch_size, sequence_length, seed
        )
        self.sample_every = 100
        events = Callback(on_step=self.show)
        self.trainer = Trainer(model, optimizer, batches, progress=False, token="character", callbacks=[events])

    @validate_call
    def train(self, num_iterations: int, sample_every: int = 100) -> History:
        """Take this number of steps, and print the mean loss and a sample of 200 characters every `sample_every`."""
        check_count("RNNTrainer.train", num_iterations=num_iterations)
        check_size("RNNTrainer.train", sample_every=sample_every)
        self.sample_every = sample_every
        return self.trainer.fit(self.trainer.step + num_iterations)

    def show(self, trainer: Trainer) -> None:
        """Print the mean loss since the last sample, and a sample."""
        if trainer.step % self.sample_every == 0:
            loss = mean(trainer.history.losses[-self.sample_every :], trainer.history.counts[-self.sample_every :])
            print(f"step {trainer.step}: loss {loss:.4f}")
            print(self.sample_output(self.data[0], 200))

    @validate_call
    def sample_output(self, input_char: int | str, sample_length: int, temperature: float = 1.0) -> str:
        """Return `sample_length` characters that follow a character, or its number, sampled from the model's softmax.

        At temperature 0 each is the most likely one.
        """
        who = "RNNTrainer.sample_output"
        check_count(who, sample_length=sample_length)
        check_temperature(who, temperature)
        token, written = check_character(who, input_char, self.char_to_idx), []
        rng, state = np.random.default_rng([self.seed, self.trainer.step]), None
        with self.model.fresh_state():
            for _ in range(sample_length):
                token = choose(last_logits(self.model, np.array([[token]]), state), rng, temperature)
                state = self.model.last_state
                written.append(self.idx_to_char[token])
        return "".join(written)
