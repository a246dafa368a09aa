"""The Data API: one call, its retries, its errors."""
