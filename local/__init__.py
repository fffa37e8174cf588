"""The embedded default: a real Elasticsearch and Redis from pip packages, and the whole stack on one machine."""
