"""The filter language: text, JSON and saved filters to the API's filter."""
