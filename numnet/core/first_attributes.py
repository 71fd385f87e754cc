"""Attributes and methods that users of PyTorch and Keras ask for first, model.fit(...), by class, and what to use here.

Those of Operation are answered for numnet's models alone: torch.nn.Module has most of them.
"""

from __future__ import annotations

from numnet.core.first_words import LOAD, MODEL, OF_TREES, ON_GPU, PRESENT_RATE, TRAINER, by_word

ATTRIBUTES: dict[str, dict[str, str]] = {
    kind: by_word(table)
    for kind, table in {
        "Network": {
            "fit": f"Use {TRAINER}",
            "compile": f"Give the loss to the model, RNNModel(layers, loss=...), and the optimizer to {TRAINER}",
            "train_on_batch train_step": "Use loss_and_grads(x, target), then optimizer.step(model) and zero_grad()",
            "test_on_batch": "Use evaluate(x, target)",
            "add": f"Give all layers at once: {MODEL}",
            "save save_weights": "Use {net}.save_checkpoint(path, model)",
            "load_weights": LOAD,
            "generate": "Use {net}.generate(model, vocabulary, prompt, length)",
        },
        "SPINN": {
            "encode": "Call it: y = spinn(x), or spinn.predict(x), without a backward pass",
            "fit compile train_on_batch train_step loss_and_grads evaluate": OF_TREES,
        },
        "Optimizer": {
            "zero_grad": "Use model.zero_grad(): the gradients are the model's",
            "lr": PRESENT_RATE,
            "param_groups": "Use optimizer.groups, which can be read and set, and optimizer.learning_rates",
            "add_param_group": "Give the groups to the constructor: {kind}(0.001, groups=[(part, options)])",
            "minimize apply_gradients": "Use model.loss_and_grads(x, target), then optimizer.step(model)",
        },
        "ReduceOnPlateau": {"step": "Use observe(value); a Trainer calls it at each report"},
        "Schedule": {"step": "Leave it out: the optimizer calls its schedule with the number of steps taken"},
        "Trainer": {
            "train_on_batch": "Use trainer.fit(steps=1)",
        },
        "Packed": {
            "data": "Use values, the steps of all sequences one after the other",
            "batch_sizes": "Use lengths; values has the steps of the first sequence, then those of the next",
            "sorted_indices unsorted_indices": "Leave it out: the sequences keep their order",
        },
        "Operation": {
            "weight": "Use params, a dictionary by name: params['W'], or params['W_x'] and params['W_h']",
            "bias bias_ih_l0 bias_hh_l0": "Use params, a dictionary by name: params['b']",
            "weight_ih_l0 kernel": "Use params['W_x'], (G·H, D) in PyTorch's order of gates",
            "weight_hh_l0 recurrent_kernel": "Use params['W_h'], (G·H, H) in PyTorch's order of gates",
            "parameters": "Use params, a dictionary by name; an optimizer takes the model: optimizer.step(model)",
            "named_parameters": "Use params.items()",
            "trainable_variables trainable_weights variables weights": "Use params, a dictionary by name",
            "get_weights": "Use state_dict()",
            "set_weights": "Use load_state_dict(state)",
            "count_params": "Use sum(p.size for p in params.values()), or the summary() of a model",
            "cuda to": ON_GPU,
            "cpu": "Leave it out: numnet computes on the CPU",
            "float double half": "Give the model a dtype: RNNModel(layers, dtype='float64')",
            "children named_children named_modules": "Use parts(), a dictionary by name, or modules()",
            "set_trainable": "Use freeze() and unfreeze()",
            "in_features input_dim": "Use input_size",
            "out_features output_dim": "Use output_size",
            "compute_output_shape output_shape": "Use the summary() of a model, which shows all shapes",
            "get_config": "Use config()",
            "units": "Use hidden_size, or output_size",
            "flatten_parameters": "Leave it out: a model has its parameters in one vector",
        },
    }.items()
}
