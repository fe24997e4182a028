"""The command line: the only place that knows both nn and viz."""
