"""The rule classifiers: ours and the article's, and what they look at in a request."""
