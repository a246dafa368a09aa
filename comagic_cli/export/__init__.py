"""Orchestration of exports: no Click, no HTTP, no terminal."""
