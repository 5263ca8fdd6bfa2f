"""From what `draw` was given to the graph of a picture: nodes, modules, values, gradients, and what is left out."""
