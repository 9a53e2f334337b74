import pytest

from buf.validate.validate_pb2 import IGNORE_ALWAYS
from buf.validate.validate_pb2 import field as rules
from gatepost.v1.options_pb2 import sensitive
from http_gateway.contract import contract_services

# Fields of requests that need no rule, each with the reason.
FREE = {
    "gatepost.v1.AdapterServiceUpdateUserRequest.update_mask": "an allow-list in the server judges its paths",
    "gatepost.v1.UpdateUserRequest.update_mask": "an allow-list in the server judges its paths",
    "gatepost.v1.Account.extras": "open-ended; the size of a request bounds it",
    "gatepost.v1.Authenticator.counter": "any that fits; storage judges whether it has grown",
    "gatepost.v1.Authenticator.credential_backed_up": "true or false, both of which are fine",
    "gatepost.v1.UpdateAuthenticatorCounterRequest.counter": "any that fits; storage judges whether it has grown",
    "gatepost.v1.RefreshTokensRequest.username": "never read",
    "gatepost.v1.RefreshTokensRequest.sub": "never read",
    "gatepost.v1.RegisterRequest.profile": "a message, whose fields have rules",
    "gatepost.v1.EndSignInsRequest.keep_current": "true or false, both of which are fine",
    "gatepost.v1.ListMailsRequest.dead": "true or false, both of which are fine",
    "gatepost.v1.User.profile": "a message, whose fields have rules",
    "gatepost.v1.User.created_at": "never read; an update mask may not name it",
    "gatepost.v1.User.updated_at": "never read; an update mask may not name it",
}
SECRET_WORDS = ("password", "token", "secret")
# Names that hold such a word and are no secrets, each with the reason.
OPEN = {
    "gatepost.v1.Account.token_type": "says how a token is presented",
    "gatepost.v1.CreateVerificationTokenRequest.verification_token": "a message, whose token is sensitive",
    "gatepost.v1.IntrospectRequest.token_type_hint": "says what the token is taken for",
    "gatepost.v1.RevokeRequest.token_type_hint": "says what the token is taken for",
    "gatepost.v1.ListEventsRequest.page_token": "leads to a page, for whoever may list",
    "gatepost.v1.ListMailsRequest.page_token": "leads to a page, for whoever may list",
    "gatepost.v1.ListSignInsRequest.page_token": "leads to a page, for whoever may list",
    "gatepost.v1.ListUsersRequest.page_token": "leads to a page, for whoever may list",
}


def request_fields():
    found = {}
    kinds = [method.input_type for service in contract_services() for method in service.methods]
    while kinds:
        kind = kinds.pop()
        for field in kind.fields:
            if field.full_name not in found:
                found[field.full_name] = field
                if field.message_type is not None and field.message_type.full_name.startswith("gatepost."):
                    kinds.append(field.message_type)
    return found


FIELDS = request_fields()


def has_rule(field):
    options = field.GetOptions()
    return options.HasExtension(rules) and options.Extensions[rules].ignore != IGNORE_ALWAYS


@pytest.mark.requirement(11)
def test_every_field_of_a_request_has_a_rule_or_a_reason_for_none():
    assert {name for name, field in FIELDS.items() if not has_rule(field)} == FREE.keys()


@pytest.mark.requirement(11)
def test_every_text_of_a_request_has_a_bound():
    texts = {name: field for name, field in FIELDS.items() if field.type == field.TYPE_STRING}
    bounds = {name: field.GetOptions().Extensions[rules].string for name, field in texts.items()}

    assert texts
    assert [name for name, of in bounds.items() if not 0 < (of.max_len or of.max_bytes) <= 32768] == []


@pytest.mark.requirement(13)
def test_what_sounds_like_a_secret_is_one():
    named = {name for name in FIELDS if any(word in name.rpartition(".")[2] for word in SECRET_WORDS)}

    assert {name for name in named if not FIELDS[name].GetOptions().Extensions[sensitive]} == OPEN.keys()


def test_the_lists_of_reasons_name_fields_of_the_contract():
    assert FREE.keys() | OPEN.keys() <= FIELDS.keys()
