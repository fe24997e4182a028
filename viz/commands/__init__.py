"""The commands of `glassgrad`, one a file."""
