"""Writes the OpenAPI document of the contract."""
