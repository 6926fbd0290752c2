"""actscope: what an activation function does to the geometry of a network, and what it costs."""
