"""One job's run: from the script's leads to the sheet and the tables."""
