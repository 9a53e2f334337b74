"""The OpenAPI document, written from the descriptors."""
