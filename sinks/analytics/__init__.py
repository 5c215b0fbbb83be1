"""The named queries: one SQL file each, and what runs them."""
