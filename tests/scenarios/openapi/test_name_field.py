"""The text of a run goes where any text may be, never where an identifier, a code or a secret is meant."""

from typing import Any

import pytest

from createflow.scenarios.openapi.name_field import name_field

TEXT: dict[str, Any] = {"type": "string"}


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ({"client_id": TEXT, "note": TEXT}, "note"),
        ({"clientId": TEXT, "merchantAccount": TEXT, "shopperStatement": TEXT}, "shopperStatement"),
        ({"description": TEXT, "title": TEXT}, "title"),
        ({"displayName": TEXT, "sku": TEXT}, "displayName"),
        ({"name": {"type": "string", "maxLength": 8}, "remark": TEXT}, "remark"),
        ({"name": {"type": "string", "enum": ["a"]}, "summary": {"type": ["string", "null"]}}, "summary"),
        ({"name": {"type": "string", "pattern": "^[a-z0-9-]+$"}}, "name"),
        ({"vat": {"type": "string", "pattern": "^[A-Z]{2}"}}, None),
        ({"password": {"type": "string", "writeOnly": True}, "email": {"type": "string", "format": "email"}}, None),
        ({"cardNumber": TEXT, "countryCode": TEXT, "apiKey": TEXT}, None),
        ({"nickname": TEXT}, "nickname"),
        ({}, None),
    ],
)
def test_the_field_is_chosen_by_type_length_and_meaning(properties: dict[str, Any], found: str | None) -> None:
    """And there may be none."""
    assert name_field({"properties": properties}) == found
