"""The command-line options of the examples; what is wrong with one is said in one line."""

import argparse
from pathlib import Path


class Parser(argparse.ArgumentParser):
    """Reports errors in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def whole(least):
    """The type of an option: an integer of at least `least`."""

    def convert(text):
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least {least}")
        return int(text)

    return convert


def writable(text):
    """The type of an option: a file to write, whose folder is made."""
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return path
