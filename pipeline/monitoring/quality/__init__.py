"""Says how good a served version is: by its outcomes, or by its scores alone."""
