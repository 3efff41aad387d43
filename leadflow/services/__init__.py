"""External systems: each package handles one system's wire format and returns plain records; transport/ is shared."""

import logging

# If the user sets no log handler, Python would print stamina's warnings about retries into notebook cells.
logging.getLogger("stamina").addHandler(logging.NullHandler())
