"""Several catalogues asked at once: which they are, what each answered, and which of their items are the same product."""
