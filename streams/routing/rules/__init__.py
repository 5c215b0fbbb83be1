"""Rule classifiers: Sluice's and the article's, and their signals."""
