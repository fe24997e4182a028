"""What a drawing is: data, text, colours, shapes."""
