"""The command line: `python -m autograd_core draw ...` draws pictures."""

import sys

USAGE = "usage: python -m autograd_core draw module:callable --out graph.svg; --help after `draw` says more"

if __name__ == "__main__":
    if sys.argv[1:2] == ["draw"]:
        from autograd_core.drawing.command import main

        main(sys.argv[2:])
    elif sys.argv[1:2] in (["-h"], ["--help"]):
        print(USAGE)
    else:
        sys.exit(USAGE)
