"""Where the account comes from: flags first, then the environment, then a profile of a file."""
