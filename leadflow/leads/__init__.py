"""What a lead is: people, columns and key, phones, verdicts, matching, counts."""
