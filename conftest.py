"""What the tests of Gatepost and those of its clients share."""

pytest_plugins = ["tests.skips", "tests.pace", "tests.servers", "tests.throttled"]
