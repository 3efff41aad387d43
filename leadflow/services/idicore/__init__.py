"""idiCORE (IDI): the lookup of phones and e-mails, one search request for each person.

IDI publishes no reference. The wire format comes from public integrations: a login at
https://login-api.idicore.com/apiclient, whose body is a token, and a search at https://api.idicore.com/search.
The modules import one way: client -> login, request, answer.
"""

from leadflow.services.idicore.client import Idicore, SearchBudget

__all__ = ["Idicore", "SearchBudget"]
