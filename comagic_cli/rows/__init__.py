"""The rows of one answer: their page, their decoding, their identity."""
