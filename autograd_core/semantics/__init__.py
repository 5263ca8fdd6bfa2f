"""What a tensor is beyond its operations: how it is made of other things, lies in memory, and is shown."""
