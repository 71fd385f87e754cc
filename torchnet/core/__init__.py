"""What every part stands on: operations and devices. The rest is shared: numnet/core."""
