"""The command line: `python -m autograd_core draw ...` draws pictures."""

import sys

if __name__ == "__main__":
    if sys.argv[1:2] != ["draw"]:
        sys.exit("usage: python -m autograd_core draw module:callable --out graph.svg; --help after `draw` says more")
    from autograd_core.drawing.command import main

    main(sys.argv[2:])
