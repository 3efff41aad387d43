"""One file an outside system: its wire format in, plain records out."""
