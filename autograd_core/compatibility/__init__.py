"""What PyTorch programs ask for beside operations: switches, older names, what lies elsewhere, what is not there."""
