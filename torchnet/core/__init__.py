"""The foundation of every part: operations and devices. Both backends share the rest: numnet/core."""
