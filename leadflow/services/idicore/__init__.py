"""idiCORE: the lookup of phones and e-mails."""

from leadflow.services.idicore.client import Idicore

__all__ = ["Idicore"]
