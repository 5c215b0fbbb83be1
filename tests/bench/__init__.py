"""Speed, measured on real processes beside a floor of the same shape; never asserted."""
