"""What the vendors' clients share: HTTP, limits, requests put together, calls sent by an executor."""
