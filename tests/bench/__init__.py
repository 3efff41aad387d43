"""What leadflow costs and how near it comes to its vendors' limits: `python -m tests.bench`. No test is in here."""
