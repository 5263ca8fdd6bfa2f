"""Why a program cannot be used for a call; nothing has been computed then."""


class Stale(Exception):
    """Something that a captured step relies on has changed."""


class Odd(Exception):
    """The values of an input are not like those for which a step was captured."""
