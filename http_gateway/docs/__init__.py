"""The API page for people, made from the OpenAPI document."""
