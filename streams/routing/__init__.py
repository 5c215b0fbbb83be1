"""Pure routing core: decides, prices and scores without I/O."""
