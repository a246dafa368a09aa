"""Recordings of calls, and what was said in them: one file for each."""
