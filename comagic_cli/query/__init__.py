"""What is asked: pure functions and frozen values."""
