"""What users of PyTorch and Keras type first, and what to use here: tables for both packages; answers.py reads them.

    NAMES, below             names of a module: numnet.LSTM
    first_options.py         keywords of a constructor, Adam(lr=0.01), and arguments without a name, LSTMLayer(10, 20)
    first_attributes.py      attributes and methods: model.fit(...)
    first_calls.py           inputs of a call: layer(x, mask=...)

{net} is the package's name and {kind} that of the class.
"""

from __future__ import annotations

from typing import TypeVar

Remedy = TypeVar("Remedy")


def by_word(table: dict[str, Remedy]) -> dict[str, Remedy]:
    """A key of several words stands for each of them."""
    return {word: remedy for words, remedy in table.items() for word in words.split()}


MODEL = "{net}.RNNModel([{net}.Embedding(V, 16), {net}.LSTMLayer(32), {net}.Dense(V)], loss=...)"
IN_ITSELF = "All names are in {net} itself: {net}.LSTMLayer, {net}.SoftmaxCrossEntropy, {net}.RNNModel, {net}.Adam"
STEP = "a node, one step; columns are samples: x (D, B), h (H, B)"
OF_CLASSES = "Use {net}.SoftmaxCrossEntropy(): it takes logits (no Softmax layer) and integer classes or one-hot rows"
OF_TRUTH = "Use {net}.BinaryCrossEntropy(): it takes logits (no Sigmoid layer) and targets from 0 to 1"
RATE = ", as the learning_rate of an optimizer"
NO_GRAPH = "Leave it out: gradients are computed by loss_and_grads and backward only, never by predict or evaluate"
ARRAYS = "Use numpy arrays: every call takes them"
TRAINER = "a Trainer: {net}.Trainer(model, {net}.Adam(0.001), batches).fit(epochs=3)"
OF_TREES = "Use a classifier: {net}.TreeClassifier(spinn, [{net}.Dense(5)], loss), or PairClassifier"
LOAD = "Use {net}.load_checkpoint(path), then {net}.RNNModel.from_checkpoint(checkpoint)"
LENGTHS = "Use lengths= in the call: model(x, lengths=lengths)"
ON_GPU = "Use torchnet, the same names on PyTorch: torchnet.RNNModel(layers, device='cuda')"
OF_NOAM = (
    "Use a function of the step as the learning_rate: "
    "{net}.Adam(lambda step: D**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-1.5))"
)
OF_NODE = "Derive a node of your own from {net}.Node: its step is a convolution, or whatever you write"
OF_POOLING = 'Use {net}.Pooling("max") or {net}.Pooling("mean"), over all steps'
PRESENT_RATE = "Use optimizer.learning_rate, which can be read and set"

NAMES: dict[str, str] = by_word(
    {
        "LSTM": "Use {net}.LSTMLayer(hidden_size): the first batch sets the input size",
        "GRU": "Use {net}.GRULayer(hidden_size): the first batch sets the input size",
        "RNN": "Use {net}.RNNLayer(hidden_size): the first batch sets the input size",
        "SimpleRNN": "Use {net}.RNNLayer(hidden_size)",
        "LSTMCell": "Use {net}.LSTMNode(hidden_size), " + STEP,
        "GRUCell": "Use {net}.GRUNode(hidden_size), " + STEP,
        "RNNCell SimpleRNNCell": "Use {net}.RNNNode(hidden_size), " + STEP,
        "TreeLSTM TreeLSTMCell BinaryTreeLSTM": "Use {net}.TreeLSTMNode(hidden_size) on a Tape, or in a "
        "{net}.SPINN, which reads the trees of a batch",
        "ChildSumTreeLSTM ChildSumTreeLSTMCell": "Use {net}.ChildSumTreeLSTMNode(hidden_size) on a Tape",
        "Linear": "Use {net}.Dense(output_size): the first batch sets the input size",
        "TimeDistributed": "Leave it out: {net}.Dense and most other layers act on every step",
        "Conv1d Conv1D": "Use {net}.Convolution(output_size, width=3)",
        "Activation": "Use a layer: {net}.Tanh(), {net}.Sigmoid(), {net}.ReLU(), {net}.GELU() or another",
        "Swish": "Use {net}.SiLU()",
        "LayerNormalization": "Use {net}.LayerNorm(), or inside of a layer {net}.LSTMLayer(64, layer_norm=True)",
        "BatchNorm1d BatchNormalization": "Use {net}.BatchNorm()",
        "RMSNormalization": "Use {net}.RMSNorm()",
        "GlobalMaxPooling1D GlobalMaxPool1D": 'Use {net}.Pooling("max")',
        "GlobalAveragePooling1D GlobalAvgPool1D": 'Use {net}.Pooling("mean")',
        "MultiheadAttention": "Use {net}.MultiHeadAttention(heads), or as a layer {net}.SelfAttention(heads)",
        "GlobalMaxPooling2D MaxPooling1D AveragePooling1D MaxPool1d AvgPool1d": OF_POOLING,
        "StackedRNNCells": "Use a list of layers, or layers=2: {net}.LSTMLayer(32, layers=2)",
        "ConvLSTM ConvLSTM1D ConvLSTM2D": OF_NODE,
        "NoamSchedule NoamLR NoamScheduler": OF_NOAM,
        "NCELoss": "Use {net}.SoftmaxCrossEntropy(), which computes all classes",
        "SELU": "Use {net}.ELU() or {net}.SiLU(); a recurrent layer takes activation='selu'",
        "L1 L2 L1L2 regularizers": "Use weight_decay of an optimizer: {net}.Adam(0.001, weight_decay=0.01)",
        "constraints": "Leave it out, and change params after each step of the optimizer",
        "Masking": LENGTHS,
        "CrossEntropyLoss NLLLoss SparseCategoricalCrossentropy CategoricalCrossentropy": OF_CLASSES,
        "SoftmaxCrossEntropyLoss": OF_CLASSES,
        "BCELoss BCEWithLogitsLoss BinaryCrossentropy": OF_TRUTH,
        "MSELoss": "Use {net}.MeanSquaredError()",
        "KLDivLoss KLDivergence": "Use {net}.SoftmaxCrossEntropy() with the probabilities (..., V) as the target: its "
        "gradient is the same, and its value larger by their entropy",
        "L1Loss": "Use {net}.MeanAbsoluteError()",
        "Huber": "Use {net}.HuberLoss(delta=1.0)",
        "SmoothL1Loss": "Use {net}.HuberLoss(delta=beta), which is beta times the loss of PyTorch",
        "PinballLoss": "Use {net}.QuantileLoss([0.1, 0.5, 0.9])",
        "Sequential Model Input InputLayer": f"Use {MODEL}: the first batch sets the input size",
        "Module": "Use {net}.RNNModel for a stack, a {net}.Tape for any program; layers derive from {net}.Operation",
        "ModuleList": f"Use a list: {MODEL}",
        "Adagrad": "Use {net}.AdaGrad(learning_rate=0.01)",
        "RMSprop": "Use {net}.RMSProp(learning_rate=0.01)",
        "Momentum": "Use {net}.SGDMomentum(learning_rate, momentum=0.9)",
        "StepLR": "Use {net}.StepSchedule(learning_rate, every)" + RATE,
        "ExponentialLR": "Use {net}.ExponentialSchedule(learning_rate, factor)" + RATE,
        "ReduceLROnPlateau": "Use {net}.ReduceOnPlateau(learning_rate, factor=0.1, patience=10)" + RATE,
        "CosineAnnealingLR": "Use {net}.CosineSchedule(learning_rate, steps)" + RATE,
        "LRFinder lr_find": "Use {net}.find_learning_rate(model, {net}.Adam, batches)",
        "clip_grad_norm_": "Use {net}.Adam(0.001, clip_norm=1.0), or {net}.clip_by_norm(grads, limit)",
        "clip_grad_value_": "Use {net}.Adam(0.001, clip_value=1.0), or {net}.clip_by_value(grads, limit)",
        "pack_padded_sequence": "Use {net}.Packed.from_padded(x, lengths), or give lengths= to every call",
        "pad_packed_sequence": "Use packed.padded(), or {net}.unpack(packed)",
        "pack_sequence": "Use {net}.pack(sequences)",
        "pad_sequence": "Use x, lengths = {net}.pad_sequences(sequences)",
        "DataLoader Dataset TensorDataset": (
            "Use arrays: {net}.Trainer(model, optimizer, (x, y), batch_size=32); it takes a loader of PyTorch, too"
        ),
        "TimeseriesGenerator timeseries_dataset_from_array": "Use {net}.WindowBatches({net}.TimeSeries(values), ...)",
        "StandardScaler MinMaxScaler": "Use {net}.TimeSeries(values, scaling=...): it is fitted on the training part",
        "train_test_split": "Use {net}.data.hold_out(items, key), or {net}.TimeSeries(values): split by time",
        "EarlyStopping": "Use {net}.Trainer(model, optimizer, batches, validation, patience=3), and monitor=",
        "ModelCheckpoint": "Use {net}.Trainer(..., directory='runs/a'): it writes last.npz and best.npz",
        "LambdaCallback": "Use {net}.Callback(on_step=function)",
        "SummaryWriter": "Use {net}.TensorBoard('runs/a'), as one of the callbacks of a Trainer",
        "ConfusionMatrixDisplay confusion_matrix": "Use {net}.plot_confusion(true, predicted, classes)",
        "F1Score": "Use {net}.F1(), or metrics=['f1'] of a Trainer",
        "R2Score": "Use {net}.R2(), or metrics=['r2'] of a Trainer",
        "SparseCategoricalAccuracy BinaryAccuracy": "Use {net}.Accuracy(), or metrics=['accuracy'] of a Trainer",
        "Tokenizer": "Use {net}.Vocabulary.from_text(text)",
        "no_grad": NO_GRAPH,
        "GradientTape": "Use {net}.Tape(node={net}.GRUNode(32), ...): parts by name, called in plain Python",
        "tensor Tensor Variable": ARRAYS,
        "save": "Use {net}.save_checkpoint(path, model)",
        "load load_model": LOAD,
        "set_seed": "Use {net}.manual_seed(1), or give the model a seed: {net}.RNNModel(layers, seed=1)",
        "nn optim functional utils": IN_ITSELF,
    }
)
