"""Recurrent networks: the nodes, their unrolling over time, the layers.

Read node.py, rnn.py, lstm.py, gru.py, then unroll.py and layer.py; vendor.py has the vendors' kernels.
"""
