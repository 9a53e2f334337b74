"""`gatepost doctor`: looks at a deployment that runs, and says what is not as it should be and what to do."""
