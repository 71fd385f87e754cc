"""Keywords that users of PyTorch and Keras give to a constructor first, Adam(lr=0.01), by class, and what to use here.

The entry of the nearest base class counts. ORDER is for arguments without a name: LSTMLayer(10, 20).
"""

from __future__ import annotations

from numnet.core.first_words import LENGTHS, OF_TREES, TRAINER, by_word

AFTER = "Use a layer of its own after it: [{kind}(64), Tanh()], or Sigmoid(), ReLU(), Softmax()"
OF_DECAY = "Use weight_decay of an optimizer: Adam(0.001, weight_decay=0.01); or add a penalty's gradient to grads"
OF_VARIANTS = {  # of the nodes that have no options but those of the textbook
    f"{kind}Node": f"Use the node {kind}VariantNode, or a layer: {kind}Layer(64, activation='relu')"
    for kind in ("LSTM", "GRU")
}
SCHEDULES = ("ConstantSchedule", "StepSchedule", "ExponentialSchedule", "CosineSchedule", "ReduceOnPlateau")
SET_BY_X = "the first batch sets it"

OPTIONS: dict[str, dict[str, str]] = by_word(
    {
        # sizes
        "units num_units hidden_dim n_hidden hidden_units": {
            "NamedLayer": "Use hidden_size: {kind}(64)",
            "Node": "Use hidden_size: {kind}(64)",
            "Dense": "Use output_size: Dense(64)",
            "Attention": "Use hidden_size",
        },
        "in_features in_channels input_dim": {"ParamOperation": "Use input_size, or leave it out: " + SET_BY_X},
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
        "batch_size input_shape input_length batch_input_shape": {"Operation": "Leave it out: " + SET_BY_X},
        "seq_len seq_length bptt timesteps": {
            **dict.fromkeys(("RandomBatches", "SequentialBatches"), "Use sequence_length"),
            "Operation": "Leave it out: " + SET_BY_X,
        },
        "sequence_length": {
            "Network": "Give it to the trainer: {net}.RNNTrainer(text_file, model, optimizer, sequence_length=25)"
        },
        # parts of a SPINN
        "embedding embed word_embeddings": {"SPINN": "Use leaf: [{net}.Embedding(V, 50), {net}.Dense(128)]"},
        "hidden_size d_hidden": {"SPINN": "Use reduce: {net}.TreeLSTMNode(64)"},
        "tracking_lstm d_tracker": {"SPINN": "Use tracker: {net}.Tracker(64)"},
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
            ("FeatureNorm", "BatchNorm"), "Use input_size, or leave it out: " + SET_BY_X
        ),
        "alpha rho": dict.fromkeys(("RMSProp", "Adadelta"), "Use decay"),
        "lr_decay": {"AdaGrad": "Use rate_decay"},
        "initial_accumulator_value": {"AdaGrad": "Use initial_accumulator"},
        "foreach fused capturable differentiable": {"Optimizer": "Leave it out: the kernel is chosen for you"},
        "momentum": {"SGD": "Use SGDMomentum(learning_rate, momentum=0.9)"},
        "nesterov": {"SGD": "Use SGDMomentum(learning_rate, nesterov=True)"},
        "dampening": {"SGD": "Use SGDMomentum(learning_rate, dampening=0.5)"},
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
        "criterion loss_fn loss_function": {"Network": "Use loss", "SPINN": OF_TREES},
        "loss": {"SPINN": OF_TREES},
        "from_logits": {"Loss": "Leave it out: losses take logits, so the model ends without Softmax or Sigmoid"},
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
        "padding_value pad_value padding": {"pad_sequences": "Use value", "padded": "Use value"},
        "padding_side": dict.fromkeys(("pad_sequences", "padded"), "Leave it out: padding is after the last step"),
        "batch_first": {"padded": "Leave it out, and use packed.padded().swapaxes(0, 1) for (T, B, ...)"},
        "train_data dataloader train_loader": {"Trainer": "Use batches"},
        "validation_data val_loader": {"Trainer": "Use validation"},
        "validation_split": {
            "Trainer": "Split the arrays: Trainer(model, optimizer, (x[:n], y[:n]), validation=(x[n:], y[n:]))"
        },
        "drop_last drop_remainder": {"Trainer": "Leave it out: the last batch of an epoch may be smaller"},
    }
)

ORDER = dict.fromkeys(
    ("NamedLayer", "Node", "Dense", "Convolution"), "PyTorch's (10, 20) is {kind}(20, input_size=10) here"
)
