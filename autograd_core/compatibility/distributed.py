"""What programs ask before they compute in several processes: here they are one. See `training.distributed`."""


def is_available() -> bool:
    """Whether PyTorch's process groups are there: no."""
    return False


is_initialized = is_torchelastic_launched = is_available
