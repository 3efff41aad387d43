"""The outside systems: each package reads one system's wire format and returns plain records; transport/ is shared."""

import logging

# Without a handler of the user's, Python would print stamina's warnings about retries into notebook cells.
logging.getLogger("stamina").addHandler(logging.NullHandler())
