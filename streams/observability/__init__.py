"""What a running worker shows of itself: bounded metrics, readings taken at a scrape, its loop."""
