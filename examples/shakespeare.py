import sys

import numnet as net  # or: import torchnet as net

text = net.data.read_text(sys.argv[1]) if len(sys.argv) > 1 else net.data.default_text()
vocabulary = net.Vocabulary.from_text(text)
train, validation = (vocabulary.encode(part) for part in net.data.split(text, validation_fraction=0.1))

model = net.RNNModel(
    layers=[
        net.GRULayer(hidden_size=256, output_size=128),
        net.LSTMLayer(hidden_size=256, output_size=len(vocabulary)),
    ],
    loss=net.SoftmaxCrossEntropy(),
    input_size=len(vocabulary),
)
batches = net.SequentialBatches(train, batch_size=32, sequence_length=50)
held_out = net.SequentialBatches(validation, batch_size=32, sequence_length=50, whole=True)
trainer = net.Trainer(model, net.Adam(learning_rate=3e-3, clip_norm=1.0), batches, held_out)
trainer.fit(seconds=float(sys.argv[2]) if len(sys.argv) > 2 else 60)
print(net.generate(model, vocabulary, prompt="The ", length=300, temperature=0.8))
