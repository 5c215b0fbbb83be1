"""Golden outputs: texts that users read, kept as files, so that refactoring can't change them."""
