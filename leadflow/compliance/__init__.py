"""After delivery: the ledger of checks, suppressions, re-scrubs and calling hours. Nothing here is legal advice."""
