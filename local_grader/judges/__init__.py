"""The endpoints that a model answers at: Ollama's own, and those that speak as OpenAI's does."""
