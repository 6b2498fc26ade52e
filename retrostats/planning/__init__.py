"""Parts of a plan: studies drawn, spreads that the evidence leaves, today's pool with one more."""
