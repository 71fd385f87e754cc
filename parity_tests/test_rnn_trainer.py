"""The trainer of the book works as the book uses it: it learns a text, and prints samples as often as it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numnet
import torchnet
from parity_tests.small import assert_same, weights

TEXT = "to be, or not to be: that is the question. " * 30
V = len(set(TEXT))


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8")
    return str(tmp_path / "input.txt")


def model_of(net: Any, **options: Any) -> Any:
    layers = [net.LSTMLayer(hidden_size=16, output_size=V)]
    return net.RNNModel(layers=layers, loss=net.SoftmaxCrossEntropy(), input_size=V, **options)


def test_it_learns_and_prints_as_in_the_book(net: Any, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    optimizer = net.AdaGrad(learning_rate=0.1, clip_value=2.0)
    trainer = net.RNNTrainer(path, model_of(net), optimizer, batch_size=8)
    history = trainer.train(60, sample_every=20)
    assert len(history.losses) == 60
    assert np.mean(history.losses[-10:]) < 0.4 * history.losses[0]
    blocks = capsys.readouterr().out.split("step ")[1:]
    assert [block.partition(":")[0] for block in blocks] == ["20", "40", "60"]
    for k, block in enumerate(blocks):
        expected = np.mean(history.losses[20 * k : 20 * k + 20])
        title, sample = block.split("\n", 1)
        assert float(title.rpartition(" ")[2]) == pytest.approx(expected, abs=6e-5)
        assert len(sample) == 201
        assert set(sample) <= {*TEXT, "\n"}
    assert trainer.train(num_iterations=5).losses[:60] == history.losses[:60]
    assert trainer.trainer.step == 65
    assert capsys.readouterr().out == ""


def test_both_backends_print_the_same(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for net in (numnet, torchnet):
        net.RNNTrainer(path, model_of(net, dtype="float64"), net.SGD(0.5, clip_value=2.0), 8).train(30, 10)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_it_is_the_trainer_on_sequential_batches(net: Any, path: str) -> None:
    ours, plain = model_of(net), model_of(net)
    trainer = net.RNNTrainer(path, ours, net.Adam(0.01), batch_size=4, sequence_length=10, seed=3)
    trainer.train(30, sample_every=1000)
    chars = sorted(set(TEXT))
    assert (trainer.chars, trainer.idx_to_char[3], trainer.char_to_idx[chars[3]]) == (chars, chars[3], 3)
    batches = net.SequentialBatches(np.array([chars.index(char) for char in TEXT]), 4, 10, 3)
    history = net.Trainer(plain, net.Adam(0.01), batches, progress=False).fit(steps=30)
    assert trainer.trainer.history.losses == history.losses
    assert_same(weights(ours), weights(plain))


def test_samples_carry_the_state_and_change_nothing(net: Any, path: str) -> None:
    model = model_of(net)
    trainer = net.RNNTrainer(path, model, net.Adam(0.1), batch_size=8)
    trainer.train(40, sample_every=1000)
    before, state = weights(model), model.last_state
    found = trainer.sample_output("t", 30, temperature=0)
    assert found == trainer.sample_output(trainer.char_to_idx["t"], 30, temperature=0)
    ids = [trainer.char_to_idx[char] for char in "t" + found]
    assert list(model.predict(np.array([ids]))[0].argmax(-1)[:-1]) == ids[1:]
    trainer.sample_output("t", 3)
    assert_same(weights(model), before)
    assert state is not None


def test_what_does_not_fit_is_answered(net: Any, path: str) -> None:
    wide = net.RNNModel([net.LSTMLayer(4, output_size=62)], net.SoftmaxCrossEntropy(), input_size=62)
    with pytest.raises(ValueError, match=f"^RNNTrainer: the model has input_size=62, expected {V}: the text has {V}"):
        net.RNNTrainer(path, wide, net.SGD(0.1))
    few = net.RNNModel([net.LSTMLayer(4, output_size=5)], net.SoftmaxCrossEntropy(), input_size=V)
    with pytest.raises(ValueError, match=f"^RNNTrainer: the model predicts 5 classes, expected {V}"):
        net.RNNTrainer(path, few, net.SGD(0.1))
    with pytest.raises(TypeError, match=r"^RNNTrainer: optimizer is 'sgd', expected an optimizer of"):
        net.RNNTrainer(path, model_of(net), "sgd")
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        net.RNNTrainer(path.replace("input", "missing"), model_of(net), net.SGD(0.1))
    trainer = net.RNNTrainer(path, model_of(net), net.SGD(0.1))
    with pytest.raises(ValueError, match=r"^RNNTrainer.train: sample_every is 0, expected a whole number above 0"):
        trainer.train(3, sample_every=0)
    for char in ("X", "to", V, -1):
        with pytest.raises(ValueError, match=r"^RNNTrainer.sample_output: input_char is .*, expected a character of"):
            trainer.sample_output(char, 3)


def test_the_words_of_the_book_are_answered(net: Any) -> None:
    layers = [net.LSTMLayer(hidden_size=256, output_size=62)]
    loss = net.SoftmaxCrossEntropy()
    for option, remedy in (
        ("vocab_size", "Use input_size"),
        ("sequence_length", "Give it to the trainer"),
    ):
        with pytest.raises(TypeError, match=rf"^RNNModel: no option is called '{option}'. {remedy}"):
            net.RNNModel(layers, loss, **{option: 25})
    with pytest.raises(TypeError, match=r"^SGD: no option is called 'gradient_clipping'. Use clip_value"):
        net.SGD(0.001, gradient_clipping=True)
    with pytest.raises(AttributeError, match=r"SoftmaxCrossEntropyLoss does not exist. Use .*SoftmaxCrossEntropy\(\)"):
        _ = net.SoftmaxCrossEntropyLoss
