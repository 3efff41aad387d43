"""Shared code of the vendors' clients: HTTP calls, limits, batched requests, calls sent by an executor.

Nothing here belongs to one vendor. The modules import one way: http, request_batcher -> limits -> busy; executor
imports none of them.
"""
