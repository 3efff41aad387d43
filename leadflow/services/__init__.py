"""One file an outside system: its wire format in, plain records out."""

import logging

# A retry is no news for a notebook's cell, where Python writes warnings that nobody listens for; who sets up logging has them.
logging.getLogger("stamina").addHandler(logging.NullHandler())
