"""Bad tokens by the sections of RFC 8725: each differs from a valid one in one respect."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.utils import base64url_encode

from createflow.scenarios.target.credentials import forged_tokens
from createflow.scenarios.target.credentials.forged_tokens import Jws

ALGORITHMS = {"ed": "EdDSA", "ec": "ES256", "rsa": "RS256"}
TEXT = "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32"


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer with a key of each accepted kind, and keys that nobody may be let in with."""

    jwks_file: Path
    keys: Mapping[str, Any]
    claims: Mapping[str, Any]

    def header(self, key_id: str) -> dict[str, Any]:
        """Return the header of a valid token."""
        return {"alg": ALGORITHMS[key_id], "typ": "at+jwt", "kid": key_id}

    def sign(self, key_id: str, header: bytes, claims: bytes, *, algorithm: str | None = None) -> str:
        """Sign any two byte strings."""
        signing_input = b".".join((base64url_encode(header), base64url_encode(claims)))
        signer = jwt.get_algorithm_by_name(algorithm or ALGORITHMS[key_id])
        signature = signer.sign(signing_input, self.keys[key_id])
        return f"{signing_input.decode()}.{base64url_encode(signature).decode()}"

    def token(
        self,
        key_id: str,
        *,
        header: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        without: str = "",
    ) -> str:
        """Sign a token with these header fields and claims changed."""
        fields = {**self.claims, **(claims or {})}
        fields.pop(without, None)
        return self.sign(key_id, encoded({**self.header(key_id), **(header or {})}), encoded(fields))


def encoded(document: Any) -> bytes:
    """Return JSON, as Python writes it: NaN and 1e999 included."""
    return json.dumps(document).encode()


def make_issuer(directory: Path, *, issuer: str, audience: str) -> Issuer:
    """Make the keys and the file of the public ones."""
    keys = {
        "ed": ed25519.Ed25519PrivateKey.generate(),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "rsa": rsa.generate_private_key(65537, 2048),
        "weak": rsa.generate_private_key(65537, 1024),  # noqa: S505 - it must be refused
        "almost": rsa.generate_private_key(65537, 2040),  # noqa: S505 - it must be refused
        "encrypts": rsa.generate_private_key(65537, 2048),
        "signs-only": rsa.generate_private_key(65537, 2048),
        "other-algorithm": rsa.generate_private_key(65537, 2048),
        "wide": ec.generate_private_key(ec.SECP384R1()),
    }
    kinds = {"ed": "EdDSA", "ec": "ES256", "wide": "ES384"}
    documents = [
        {**jwt.get_algorithm_by_name(kinds.get(kid, "RS256")).to_jwk(key.public_key(), as_dict=True), "kid": kid}
        for kid, key in keys.items()
    ]
    extra = {"encrypts": {"use": "enc"}, "signs-only": {"key_ops": ["sign"]}, "other-algorithm": {"alg": "RS512"}}
    for document in documents:
        document.pop("key_ops", None)
        document.update(extra.get(document["kid"], {"use": "sig"}))
    documents.append({"kty": "oct", "kid": "symmetric", "k": base64url_encode(b"secret" * 8).decode()})
    file = directory / "keys.json"
    file.write_text(json.dumps({"keys": documents}))
    now = int(time.time())
    claims = {"iss": issuer, "aud": audience, "sub": "alice", "iat": now, "exp": now + 600, "roles": ["writer"]}
    return Issuer(file, keys, claims)


def bad_tokens(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Yield a description and a token that must be refused, for all of the attacks."""
    for key_id in ALGORITHMS:
        for family in (_unsigned, _confused, _mistyped, _misdirected, _untimely, _misspelt, _crafted):
            for what, token in family(issuer, key_id):
                yield f"{key_id}: {what}", token
    yield from _unacceptable_keys(issuer)
    yield from _no_tokens()


def _unsigned(issuer: Issuer, key_id: str) -> Iterator[tuple[str, str]]:
    """RFC 8725 §2.1, §3.1: weak signatures and insufficient validation."""
    good = issuer.token(key_id)
    for spelling in ("none", "None", "NONE", "nOnE", "", " none", "null"):
        for keeps in (False, True):
            yield (
                f"alg {spelling!r}, {'signed' if keeps else 'unsigned'}",
                forged_tokens.mark_unsigned(good, spelling, keep_signature=keeps),
            )
    for value in (None, 0, True, ["none"], {"name": "none"}, "hs256", "RS256 ", "ED25519", "A" * 3000):
        yield f"alg {str(value)[:20]!r}", Jws.parse(good).replace(header={"alg": value}).compact(b"signature")
    yield from forged_tokens.strip_signature(good)
    yield "a flipped bit of the signature", forged_tokens.flip_signature_bit(good)
    yield "a foreign key", forged_tokens.sign_with_foreign_key(good)
    yield "other claims", forged_tokens.change_claims(good, sub="root")
    for size in (1, 63, 64, 65, 256):
        for filling in (b"\0", b"\xff"):
            yield f"{size} bytes of {filling!r} as signature", Jws.parse(good).compact(filling * size)
    # CVE-2022-21449: r and s of 0, of the order, in DER.
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    yield "the order as signature", Jws.parse(good).compact(order.to_bytes(32, "big") * 2)
    yield "an empty sequence in DER as signature", Jws.parse(good).compact(bytes.fromhex("3006020100020100"))


def _confused(issuer: Issuer, key_id: str) -> Iterator[tuple[str, str]]:
    """RFC 8725 §2.1, §3.1, §3.2: another algorithm than the key is for."""
    good = issuer.token(key_id)
    public = issuer.keys[key_id].public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    secrets = {
        "the PEM key": public.public_bytes(serialization.Encoding.PEM, spki),
        "the PEM key without its last line break": public.public_bytes(serialization.Encoding.PEM, spki).strip(),
        "the DER key": public.public_bytes(serialization.Encoding.DER, spki),
        "the key file": issuer.jwks_file.read_bytes(),
        "nothing": b"",
        "the key id": key_id.encode(),
        "secret": b"secret",
    }
    for algorithm in forged_tokens.HMAC_ALGORITHMS:
        for what, secret in secrets.items():
            yield f"{algorithm} with {what}", Jws.parse(good).sign_with_hmac(algorithm, secret)
    for other in set(ALGORITHMS) - {key_id}:
        header = {**issuer.header(other), "kid": key_id}
        yield (
            f"the id of {key_id} on a signature of {other}",
            issuer.sign(other, encoded(header), encoded(issuer.claims)),
        )
        header = {**issuer.header(key_id), "kid": other}
        yield f"the id of {other}", issuer.sign(key_id, encoded(header), encoded(issuer.claims))
        header = {**issuer.header(key_id), "alg": ALGORITHMS[other]}
        yield f"the algorithm of {other}", issuer.sign(key_id, encoded(header), encoded(issuer.claims))
    if key_id == "rsa":
        for algorithm in ("RS384", "RS512", "PS256", "PS512"):
            fields = encoded({**issuer.header(key_id), "alg": algorithm})
            yield algorithm, issuer.sign(key_id, fields, encoded(issuer.claims), algorithm=algorithm)


def _mistyped(issuer: Issuer, key_id: str) -> Iterator[tuple[str, str]]:
    """RFC 8725 §2.8, §3.11, §3.12; RFC 9068 §4: a token of another kind."""
    for kind in ("JWT", "jwt", "", "at+jwt ", "logout+jwt", "dpop+jwt", "secevent+jwt", None, 1, ["at+jwt"], {}):
        yield f"typ {kind!r}", issuer.token(key_id, header={"typ": kind})
    header = issuer.header(key_id)
    del header["typ"]
    yield "no typ", issuer.sign(key_id, encoded(header), encoded(issuer.claims))
    for value in (["exp"], ["b64"], [], "exp", None, ["unknown"], ["alg", "alg"]):
        yield f"crit {value!r}", issuer.token(key_id, header={"crit": value, "unknown": 1, "b64": False, "exp": 1})
    inner = issuer.token(key_id)
    yield "a token in a token", issuer.sign(key_id, encoded({**issuer.header(key_id), "cty": "JWT"}), inner.encode())
    yield "an encrypted token", f"{inner}.{'A' * 16}.{'A' * 16}"
    many = {"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 2**31 - 1, "p2s": "AAAA"}
    yield "a key derived in 2^31 rounds", f"{base64url_encode(encoded(many)).decode()}.AAAA.AAAA.AAAA.AAAA"


def _misdirected(issuer: Issuer, key_id: str) -> Iterator[tuple[str, str]]:
    """RFC 8725 §2.7, §3.8, §3.9: another issuer, subject or audience."""
    ours = {name: issuer.claims[name] for name in ("iss", "aud")}
    for name, value in ours.items():
        for other in ("", value + "/", value[:-1], value.upper(), " " + value, value + "\0", f"x {value}"):
            yield f"{name} {other!r}", issuer.token(key_id, claims={name: other})
        for other in (None, 0, True, {value: value}, [], [[value]], [1], [None]):
            yield f"{name} {other!r}", issuer.token(key_id, claims={name: other})
        yield f"no {name}", issuer.token(key_id, without=name)
    yield "an array of issuers", issuer.token(key_id, claims={"iss": [ours["iss"]]})
    for subject in (None, "", 0, True, ["alice"], {}, "a" * 256, "a\nb", "a\0", "\ud800", "\u202ealice", "\x7f"):
        yield f"sub {str(subject)[:20]!r}", issuer.token(key_id, claims={"sub": subject})
    yield "no sub", issuer.token(key_id, without="sub")


def _untimely(issuer: Issuer, key_id: str) -> Iterator[tuple[str, str]]:
    """RFC 7519 §4.1.4 to 4.1.6."""
    now = issuer.claims["iat"]
    for name, values in {"exp": (0, -1, now - 60), "nbf": (now + 600,), "iat": (now + 600,)}.items():
        for value in values:
            yield f"{name} {value}", issuer.token(key_id, claims={name: value})
        for odd in (None, "", str(now), True, [now], {}, float("inf"), float("nan"), -float("inf"), 10**400, 2**63):
            if odd is None and name == "nbf":
                continue
            yield f"{name} {str(odd)[:20]!r}", issuer.token(key_id, claims={name: odd})
    yield "no exp", issuer.token(key_id, without="exp")
    yield "no iat", issuer.token(key_id, without="iat")


def _misspelt(issuer: Issuer, key_id: str) -> Iterator[tuple[str, str]]:
    """RFC 8725 §2.6, §3.7; RFC 7515 §5.2; RFC 8259 §8.1: other encodings of header and claims, signed."""
    header, claims = json.dumps(issuer.header(key_id)), json.dumps(dict(issuer.claims))
    for charset in TEXT:
        if charset != "utf-8":
            yield f"header in {charset}", issuer.sign(key_id, header.encode(charset), claims.encode())
            yield f"claims in {charset}", issuer.sign(key_id, header.encode(), claims.encode(charset))
    latin = json.dumps({**issuer.claims, "sub": "Zoë"}, ensure_ascii=False)
    yield "claims in latin-1", issuer.sign(key_id, header.encode(), latin.encode("latin-1"))
    wrecks: dict[str, Callable[[str], str]] = {
        "an array around": lambda text: f"[{text}]",
        "a string": json.dumps,
        "text after": lambda text: text + "x",
        "a zero after": lambda text: text + "\0",
        "two objects": lambda text: text * 2,
        "its end missing": lambda text: text[:-1],
        "a trailing comma": lambda text: text[:-1] + ",}",
        "a comment": lambda text: "/**/" + text,
        "single quotes": lambda text: text.replace('"', "'"),
        "a name twice": lambda text: f"{text[:-1]}, {text[1 : text.index(',')]}}}",
        "a nesting of 1,000": lambda text: f'{text[:-1]}, "x": {"[" * 1000 + "]" * 1000}}}',
        "NaN": lambda text: text[:-1] + ', "x": NaN}',
        "a lone surrogate as a name": lambda text: text[:-1] + ', "\\ud800": 1}',
        "nothing": lambda _: "",
        "null": lambda _: "null",
        "a number": lambda _: "1",
    }
    for what, wreck in wrecks.items():
        yield f"header: {what}", issuer.sign(key_id, wreck(header).encode(), claims.encode())
        yield f"claims: {what}", issuer.sign(key_id, header.encode(), wreck(claims).encode())
    yield from forged_tokens.respell(issuer.token(key_id))


def _crafted(issuer: Issuer, key_id: str) -> Iterator[tuple[str, str]]:
    """RFC 8725 §3.10: header fields that name a key, a file, a query or an address."""
    good = issuer.token(key_id)
    yield from forged_tokens.embed_key(good)
    yield from forged_tokens.reference_key(good, "http://127.0.0.1:9/keys")
    for value in (
        "", "unknown", "../../../../dev/null", "/dev/zero", "' OR '1'='1", "x' UNION SELECT 'secret';--", "$(id)",
        "|id", "\0", "\r\nX: y", "http://127.0.0.1:9/", "file:///etc/passwd", "{{7*7}}", "${jndi:ldap://127.0.0.1:9/}",
        "__proto__", "#0", 0, 1.5, True, [key_id], {key_id: 1}, None, "k" * 4000, "Zoë", "\ud800",
    ):  # fmt: skip
        yield f"kid {str(value)[:24]!r}", issuer.token(key_id, header={"kid": value})
    yield "9 kB", issuer.token(key_id, claims={"pad": "x" * 9000})


def _unacceptable_keys(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """RFC 8725 §3.2, §3.5; RFC 7518 §3.3: keys that are too weak, or for another purpose."""
    claims = encoded(issuer.claims)
    for key_id in ("weak", "almost", "encrypts", "signs-only"):
        header = encoded({"alg": "RS256", "typ": "at+jwt", "kid": key_id})
        yield key_id, issuer.sign(key_id, header, claims, algorithm="RS256")
    for algorithm in ("RS256", "RS512"):
        header = encoded({"alg": algorithm, "typ": "at+jwt", "kid": "other-algorithm"})
        yield f"{algorithm} by another", issuer.sign("other-algorithm", header, claims, algorithm=algorithm)
    wide = encoded({"alg": "ES384", "typ": "at+jwt", "kid": "wide"})
    yield "ES384", issuer.sign("wide", wide, claims, algorithm="ES384")
    jws = Jws({"alg": "HS256", "typ": "at+jwt", "kid": "symmetric"}, issuer.claims)
    yield "a symmetric key", jws.sign_with_hmac("HS256", b"secret" * 8)
    signature = issuer.keys["ec"].sign(jws.signing_input, ec.ECDSA(hashes.SHA256()))
    yield "a signature in DER", Jws(issuer.header("ec"), issuer.claims).compact(signature)


def _no_tokens() -> Iterator[tuple[str, str]]:
    """What is no token at all."""
    for text in (
        ".",
        "..",
        "...",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "A" * 8191,
        "." * 8191,
        "AAAA." * 1000,
        "{}",
        "null",
    ):
        yield f"{text[:16]!r}", text
