"""What is typed: Click lives here and only here."""
