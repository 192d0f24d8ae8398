"""Who is who, where a token may say no subject."""

from createflow.scenarios.target.principal import ANONYMOUS, Principal


def test_a_subject_is_the_identity_whatever_token_it_holds() -> None:
    """An opaque token stands for itself, and one that is renewed for its account."""
    assert Principal("me", "token").identity == Principal("me", "other").identity == "me"
    assert Principal(None, "token").identity == "token"
    assert Principal(None, "first", account="writer").identity == Principal(None, "next", account="writer").identity
    assert Principal(None, "one").identity != Principal(None, "another").identity
    assert ANONYMOUS.identity == ""
