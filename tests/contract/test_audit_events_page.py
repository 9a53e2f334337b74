import re
from pathlib import Path

import pytest

from auth_server.domain.audit_events import AuditEvent

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.mark.requirement(61)
def test_the_page_for_operators_tells_of_every_audit_event_once():
    rows = PAGE.read_text().partition("| event | tells that | about |")[2].partition("\n\n")[0].splitlines()
    names = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split("|")[1] if "|" in row else "")]

    assert sorted(names) == sorted(AuditEvent)
