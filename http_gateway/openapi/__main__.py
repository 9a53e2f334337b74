"""Runs the writer of the document: python -m http_gateway.openapi contract.binpb > openapi.json."""

from http_gateway.openapi.document import main

main()
