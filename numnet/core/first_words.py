"""What users of PyTorch and Keras type first, and what to use here: one table for both packages; answers.py reads it.

    NAMES        names of a module: numnet.LSTM
    OPTIONS      keywords of a constructor: Adam(lr=0.01); by class: the nearest base class counts
    ORDER        arguments without a name, by class: LSTMLayer(10, 20)

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
LOAD = "Use {net}.load_checkpoint(path), then {net}.RNNModel.from_checkpoint(checkpoint)"
AFTER = "Use a layer of its own after it: [{kind}(64), Tanh()], or Sigmoid(), ReLU(), Softmax()"
OF_VARIANTS = {  # of the nodes that have no options but those of the textbook
    f"{kind}Node": f"Use the node {kind}VariantNode, or a layer: {kind}Layer(64, activation='relu')"
    for kind in ("LSTM", "GRU")
}
SCHEDULES = ("ConstantSchedule", "StepSchedule", "ExponentialSchedule", "CosineSchedule", "ReduceOnPlateau")
SHOWN_BY_X = "the first batch shows it"
LENGTHS = "Use lengths= in the call: model(x, lengths=lengths)"
ON_GPU = "Use torchnet, the same names on PyTorch: torchnet.RNNModel(layers, device='cuda')"
OF_NOAM = (
    "Use a function of the step as the learning_rate: "
    "{net}.Adam(lambda step: D**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-1.5))"
)
OF_NODE = "Derive a node of your own from {net}.Node: its step is a convolution, or whatever you write"
OF_POOLING = 'Use {net}.Pooling("max") or {net}.Pooling("mean"), over all steps'
OF_DECAY = "Use weight_decay of an optimizer: Adam(0.001, weight_decay=0.01); or add a penalty's gradient to grads"
PRESENT_RATE = "Use optimizer.learning_rate, which can be read and set"

NAMES: dict[str, str] = by_word(
    {
        "LSTM": "Use {net}.LSTMLayer(hidden_size): the first batch shows the input size",
        "GRU": "Use {net}.GRULayer(hidden_size): the first batch shows the input size",
        "RNN": "Use {net}.RNNLayer(hidden_size): the first batch shows the input size",
        "SimpleRNN": "Use {net}.RNNLayer(hidden_size)",
        "LSTMCell": "Use {net}.LSTMNode(hidden_size), " + STEP,
        "GRUCell": "Use {net}.GRUNode(hidden_size), " + STEP,
        "RNNCell SimpleRNNCell": "Use {net}.RNNNode(hidden_size), " + STEP,
        "Linear": "Use {net}.Dense(output_size): the first batch shows the input size",
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
        "Sequential Model Input InputLayer": f"Use {MODEL}: the first batch shows the input size",
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

OPTIONS: dict[str, dict[str, str]] = by_word(
    {
        # sizes
        "units num_units hidden_dim n_hidden hidden_units": {
            "NamedLayer": "Use hidden_size: {kind}(64)",
            "Node": "Use hidden_size: {kind}(64)",
            "Dense": "Use output_size: Dense(64)",
            "Attention": "Use hidden_size",
        },
        "in_features in_channels input_dim": {"ParamOperation": "Use input_size, or leave it out: " + SHOWN_BY_X},
        "out_features output_dim": {
            **dict.fromkeys(("Dense", "Convolution", "Characters", "Embedding"), "Use output_size"),
            "NamedLayer": "Use hidden_size: {kind}(64)",
        },
        "out_channels filters": {"Convolution": "Use output_size: Convolution(64, width=3)"},
        "kernel_size": {"Convolution": "Use width: Convolution(64, width=3)"},
        "num_embeddings vocab_size": {
            "ParamOperation": "Use input_size, the number of tokens: Embedding(50, 16), RNNModel(layers, input_size=50)"
        },
        "embedding_dim": {"Embedding": "Use output_size: Embedding(50, 16)", "Characters": "Use embedding_size"},
        "batch_size input_shape input_length batch_input_shape": {"Operation": "Leave it out: " + SHOWN_BY_X},
        "seq_len seq_length bptt timesteps": {
            **dict.fromkeys(("RandomBatches", "SequentialBatches"), "Use sequence_length"),
            "Operation": "Leave it out: " + SHOWN_BY_X,
        },
        "sequence_length": {
            "Network": "Give it to the trainer: {net}.RNNTrainer(text_file, model, optimizer, sequence_length=25)"
        },
        # layers
        "num_layers": {"NamedLayer": "Use layers: {kind}(64, layers=2)", "Node": "Use one {kind} for each layer"},
        "recurrent_dropout": {"RecurrentLayer": "Use state_dropout, which has one mask a sequence"},
        "use_bias": dict.fromkeys(("Dense", "Convolution", "NamedLayer", "Node"), "Use bias"),
        "nonlinearity": dict.fromkeys(("RNNLayer", "IndRNNLayer", "RNNNode", "IndRNNNode"), "Use activation"),
        "activation": {
            **dict.fromkeys(("Dense", "Convolution"), AFTER),
            "RecurrentLayer": "Give it to the node: RNNNode(64, activation='relu')",
            **OF_VARIANTS,
        },
        "recurrent_activation": {"Operation": "Leave it out: {kind} has no gates with other functions", **OF_VARIANTS},
        "return_sequence": {"RecurrentLayer": "Use return_sequences"},
        "return_state": {"RecurrentLayer": "Use it in the call: y, state = layer(x, return_state=True)"},
        "go_backwards": {"RecurrentLayer": "Use reverse=True"},
        "time_major": dict.fromkeys(("RecurrentLayer", "Convolution", "Pooling", "Concat"), "Use batch_first=False"),
        "reset_after": {"GRULayer": 'Use reset="after" (PyTorch, cuDNN) or reset="before"'},
        "unit_forget_bias": {"LSTMLayer": "Use forget_bias=1.0"},
        "merge_mode": {"Operation": 'Use Bidirectional(LSTMLayer(64), merge="sum")'},
        "padding_idx": {"Embedding": "Use padding: Embedding(50, 16, padding=0)", "Operation": LENGTHS},
        "mask_zero": {"Operation": LENGTHS},
        "kernel_initializer recurrent_initializer bias_initializer init": dict.fromkeys(
            ("Dense", "Convolution", "Characters", "Attention", "NamedLayer", "Node"),
            'Use initial: "pytorch", "glorot", "orthogonal", or a number r for uniform values within ±r',
        ),
        "kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer embeddings_regularizer": {
            "Operation": OF_DECAY
        },
        "kernel_constraint recurrent_constraint bias_constraint embeddings_constraint": {
            "Operation": "Leave it out, and change params after each step of the optimizer"
        },
        "unroll use_cudnn implementation": {
            "Operation": "Leave it out: use_fast chooses between kernel and plain form"
        },
        "clip cell_clip clip_c": {"Operation": "Leave it out; clip_norm and clip_value of an optimizer clip gradients"},
        "embeddings_initializer": {"Embedding": "Use std, the standard deviation of the initial values"},
        "name": {"Operation": "Leave it out: the name is the place in the model, layers.0, or the keyword on a Tape"},
        "device": {"Operation": "Give it to the model: RNNModel(layers, device='cuda'), on torchnet"},
        # optimizers and schedules
        "lr initial_learning_rate": dict.fromkeys(("Optimizer", "LBFGS", *SCHEDULES), "Use learning_rate"),
        "params": dict.fromkeys(("Optimizer", "LBFGS"), "Give the model to step: optimizer.step(model)"),
        "betas": {"Adam": "Use beta1 and beta2: {kind}(beta1=0.9, beta2=0.999)"},
        "beta_1": {"Adam": "Use beta1"},
        "beta_2": {"Adam": "Use beta2"},
        "eps": dict.fromkeys(("AdaGrad", "RMSProp", "Adadelta", "Adam", "FeatureNorm", "BatchNorm"), "Use epsilon"),
        "normalized_shape num_features": dict.fromkeys(
            ("FeatureNorm", "BatchNorm"), "Use input_size, or leave it out: " + SHOWN_BY_X
        ),
        "alpha rho": dict.fromkeys(("RMSProp", "Adadelta"), "Use decay"),
        "lr_decay": {"AdaGrad": "Use rate_decay"},
        "initial_accumulator_value": {"AdaGrad": "Use initial_accumulator"},
        "foreach fused capturable differentiable": {"Optimizer": "Leave it out: the kernel is chosen for you"},
        "momentum nesterov dampening": {"SGD": "Use SGDMomentum(learning_rate, momentum=0.9)"},
        "clipnorm global_clipnorm max_norm max_grad_norm": {"Optimizer": "Use clip_norm"},
        "clipvalue": {"Optimizer": "Use clip_value"},
        "gradient_clipping": {"Optimizer": "Use clip_value, the largest |g|: {kind}(0.001, clip_value=2.0)"},
        "step_size decay_steps": {"StepSchedule": "Use every", "CosineSchedule": "Use steps"},
        "line_search_fn": {"LBFGS": "Use line_search, which is strong_wolfe by default"},
        "min_lr": {"ReduceOnPlateau": "Use min_rate"},
        "monitor": {"ReduceOnPlateau": "Give it to the Trainer: the schedule observes what the run monitors"},
        "gamma decay_rate": dict.fromkeys(("StepSchedule", "ExponentialSchedule"), "Use factor"),
        "T_max": {"CosineSchedule": "Use steps"},
        "eta_min": {"CosineSchedule": "Use final"},
        "warmup_steps": {"CosineSchedule": "Use warmup"},
        # models, losses, training
        "optimizer metrics": {"Network": f"Use {TRAINER}"},
        "criterion loss_fn loss_function": {"Network": "Use loss"},
        "from_logits": {"Loss": "Leave it out: losses take logits, so no Softmax or Sigmoid layer stands before them"},
        "size_average reduce": {"Loss": 'Use reduction="mean", "sum" or "none"'},
        "weight": {
            "SoftmaxCrossEntropy": "Use class_weights",
            "Loss": 'Use reduction="none" and weights in the backward pass, or a mask in the call',
        },
        "class_weight": {"SoftmaxCrossEntropy": "Use class_weights", "BinaryCrossEntropy": "Use pos_weight"},
        "beta": {"HuberLoss": "Use delta: the smooth L1 loss of PyTorch is HuberLoss(delta=beta) divided by beta"},
        "optim": dict.fromkeys(("Trainer", "RNNTrainer"), "Use optimizer"),
        "epochs": {"Trainer": "Use it in fit: trainer.fit(epochs=3)"},
        # functions
        "limit max_len maxlen max_new_tokens": {
            **dict.fromkeys(("greedy", "beam_search"), "Use max_length"),
            "generate": "Use length",
        },
        "max_length": {"generate": "Use length"},
        "beam_size beam_width num_beams": {"beam_search": "Use beam"},
        "length_penalty": dict.fromkeys(("greedy", "beam_search"), "Use alpha"),
        "forbidden bad_words_ids": dict.fromkeys(("greedy", "beam_search"), "Use suppress_tokens"),
        "padding_value pad_value padding": {"pad_sequences": "Use value"},
        "train_data dataloader train_loader": {"Trainer": "Use batches"},
        "validation_data val_loader": {"Trainer": "Use validation"},
    }
)

ORDER = dict.fromkeys(
    ("NamedLayer", "Node", "Dense", "Convolution"), "PyTorch's (10, 20) is {kind}(20, input_size=10) here"
)
