"""The checks of the source themselves."""
