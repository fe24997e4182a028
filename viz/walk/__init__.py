"""The walk through a computation: running a learner's code, the page, the terminal."""
