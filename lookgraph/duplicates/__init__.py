"""Pictures that are there more than once: found, told apart from look-alikes, and moved away."""
