"""From a graph to a drawing: what the boxes say, and where everything goes."""
