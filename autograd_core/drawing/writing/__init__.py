"""What is written and in which colours: as SVG, as DOT, as a page."""
