"""The suite notices deliberate faults: each can still be made, and each is noticed."""

from __future__ import annotations

import pytest

from tests.security.seeded_defects import FAULTS, ROOT, Fault, results, source

pytestmark = pytest.mark.huge


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_the_place_of_each_fault_is_there(fault: Fault) -> None:
    for file, old, new in fault.edits:
        assert source(file).read_text("utf-8").count(old) == 1, f"{file}: {old}"
        assert old != new
    assert all((ROOT / path).exists() for path in fault.tests.split())
    assert len(FAULTS) >= 20


def test_every_fault_is_noticed() -> None:
    assert [name for name, noticed in results() if not noticed] == []
