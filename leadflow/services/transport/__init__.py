"""Shared code of the vendors' clients: HTTP calls and their connection, limits, batched requests, executors' calls.

Nothing here belongs to one vendor. The modules import one way: http -> connection; http, request_batcher -> limits ->
busy; executor imports none of them.
"""
