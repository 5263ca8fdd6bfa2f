"""What packages for PyTorch such as torchmetrics call of `torch._C`: they report that one of their classes is used."""


def _log_api_usage_once(event: str) -> None:
    """Count the use of an API: nothing is counted here."""
