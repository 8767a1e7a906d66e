"""Who comes in: authenticators of any kind, what they claim of people, and the way to a provider."""
