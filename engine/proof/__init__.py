"""The gradient check and its witnesses."""
