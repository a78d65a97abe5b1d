"""From a picture to its embedding: the table of networks, their weights, and what runs them."""
