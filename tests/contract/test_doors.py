import pytest

from gatepost.v1.options_pb2 import Guard
from http_gateway.contract import contract_services, read_bindings
from tests.contract.doors import DOORS, WITHOUT_ROUTE, Door

BINDINGS = read_bindings(contract_services())


def door_of(binding):
    method = binding.method
    return Door(
        verb=binding.verb,
        path=binding.template.text,
        rpc=f"{method.containing_service.name}/{method.name}",
        guard=Guard.Name(binding.guard).removeprefix("GUARD_"),
        success=binding.rest.success_status or 200,
        refusal=binding.rest.refusal_status,
    )


@pytest.mark.requirement(3)
def test_the_contract_has_the_doors_of_the_table_and_no_others():
    declared = [door_of(binding) for binding in BINDINGS]

    assert set(declared) - set(DOORS) == set()
    assert set(DOORS) - set(declared) == set()
    assert len(DOORS) == len(set(DOORS))


@pytest.mark.requirement(3)
def test_every_rpc_has_a_door_or_is_for_services():
    methods = [method for service in contract_services() for method in service.methods]

    without = {f"{m.containing_service.name}/{m.name}" for m in methods} - {door.rpc for door in DOORS}

    assert without == WITHOUT_ROUTE


@pytest.mark.requirement(13)
def test_every_token_in_a_path_has_a_twin_in_a_body():
    by_path = {door.rpc for door in DOORS if "_token}" in door.path}
    by_body = {door.rpc for door in DOORS if door.verb == "POST" and "{" not in door.path}

    assert by_path
    assert by_path <= by_body
