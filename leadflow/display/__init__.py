"""How things look: the parts of HTML and text that every room may use. It imports nothing of leadflow."""
