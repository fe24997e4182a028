"""The computation told: the graph as data, its steps, where in the user's code they were made."""
