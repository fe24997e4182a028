"""A number, recorded and differentiated: the engine that a student reads."""
