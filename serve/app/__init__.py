"""The service over the ledger: pages for people and an API for programs (docs/serve.md)."""
