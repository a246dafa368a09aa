"""The methods of the sandbox: from the parameters of a call to its answer."""
