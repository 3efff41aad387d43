"""The domain of a lead: people, columns and key, phones, verdicts, matching, counts."""
