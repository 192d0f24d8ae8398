"""A forged token differs from the good one in exactly what it says."""

import base64

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials import forged_tokens

KEY = Ed25519PrivateKey.generate()
GOOD = jwt.encode({"sub": "a", "roles": ["writer"]}, KEY, algorithm="EdDSA", headers={"kid": "k"})


def verified(token: str) -> dict[str, object]:
    """Its claims, when it is well signed."""
    return jwt.decode(token, KEY.public_key(), algorithms=["EdDSA"])


def decoded(part: str) -> bytes:
    """The bytes of a segment."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_one_bit_of_the_decoded_signature_is_flipped() -> None:
    """Exactly one, and in the bytes, not in the letters."""
    forged = forged_tokens.flip_signature_bit(GOOD)
    assert forged.rpartition(".")[0] == GOOD.rpartition(".")[0]
    pairs = zip(decoded(forged.split(".")[2]), decoded(GOOD.split(".")[2]), strict=True)
    assert sum((a ^ b).bit_count() for a, b in pairs) == 1
    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged)


def test_claims_are_changed_under_the_old_signature() -> None:
    """Header and signature stay."""
    forged = forged_tokens.change_claims(GOOD, sub="b")
    assert (forged.split(".")[0], forged.split(".")[2]) == (GOOD.split(".")[0], GOOD.split(".")[2])
    claims = jwt.decode(forged, options={"verify_signature": False})
    assert claims == {"sub": "b", "roles": ["writer"]}


@pytest.mark.parametrize("keep", [False, True])
def test_an_unsigned_token_says_so_in_its_header(keep: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """With the spelling that was asked for, and with the old signature or none."""
    forged = forged_tokens.mark_unsigned(GOOD, "nOnE", keep_signature=keep)
    assert jwt.get_unverified_header(forged) == {"alg": "nOnE", "kid": "k", "typ": "JWT"}
    assert bool(forged.split(".")[2]) is keep


def test_a_foreign_key_signs_the_same_header_and_claims() -> None:
    """It is well signed, by somebody else."""
    forged = forged_tokens.sign_with_foreign_key(GOOD)
    assert forged.rpartition(".")[0] == GOOD.rpartition(".")[0]
    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged)


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "..", "W10.W10.x"])
def test_an_opaque_token_cannot_be_forged(token: str) -> None:
    """The check is skipped with that reason."""
    with pytest.raises(NotDeclared, match="not a JWT"):
        forged_tokens.flip_signature_bit(token)
