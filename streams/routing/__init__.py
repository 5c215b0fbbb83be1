"""The pure core: decides, prices and scores without I/O."""
