"""``[auth]``: how requests are authenticated, one model for each ``kind``."""

from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from createflow.schemas.profile_section import (
    HeaderValue,
    JsonObject,
    Path,
    Pointer,
    Seconds,
    Section,
    Token,
    checked_address,
)


class Credential(Section):
    """Base of every kind that sends a credential: the header, and the scheme before it."""

    header: Token = "Authorization"
    """The header that carries it."""
    scheme: HeaderValue = "Bearer"
    """The scheme before it; empty for none."""


class Placed(Section):
    """Base of the kinds whose token may also be in the query or in a cookie."""

    sent_in: Literal["header", "query", "cookie"] = "header"
    """Where the token is sent."""
    sent_as: Token | None = None
    """The name of the query parameter or of the cookie that is the token."""

    @model_validator(mode="after")
    def _has_a_token_name(self) -> Self:
        if (self.sent_in == "header") != (self.sent_as is None):
            raise ValueError('sent_as names a parameter or a cookie: it goes with sent_in = "query" or "cookie"')
        return self


Algorithm = Literal[
    "EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "HS256", "HS384", "HS512"
]  # fmt: skip
"""Of a signature (RFC 7518 §3.1, RFC 8037 §3.1)."""


class JwtAuth(Placed, Credential):
    """``[auth] kind = "jwt"``: the tester mints its own tokens with the issuer's key or secret."""

    kind: Literal["jwt"]
    key_file: str | None = None
    """PEM private key, for every algorithm but HS256, HS384 and HS512."""
    secret_env: str | None = None
    """Variable with the secret that issuer and target share, for HS256, HS384 and HS512."""
    secret_encoding: Literal["text", "base64"] = "text"  # noqa: S105 - no secret
    """How the variable holds the secret: as it is, or its bytes in base64."""
    algorithm: Algorithm = "EdDSA"
    """The signature algorithm."""
    key_id: str | None = None
    """``kid`` of the token's header."""
    issuer: str | None = None
    """``iss``: a token with another one, or with none, is refused. Not given: tokens have none."""
    audience: str | None = None
    """``aud``: a token for others, or for nobody, is refused. Not given: tokens have none."""
    type: str = "at+jwt"
    """``typ`` of the token's header."""
    claims: JsonObject = Field(default_factory=dict)
    """Other claims of every token."""
    roles_claim: str = "roles"
    """The claim that holds the roles, or a JSON Pointer to it: ``/realm_access/roles``. Empty: tokens have no roles."""
    roles_as: Literal["list", "text"] | None = None
    """The roles as a list, or as one text with blanks between them (RFC 8693 §4.2). Not given: a text for the claim
    ``scope``, else a list."""
    writer_roles: tuple[str, ...] = ("writer",)
    """Roles of a subject that may create."""
    reader_roles: tuple[str, ...] = ("reader",)
    """Roles of a subject that may not create."""
    leeway_s: Annotated[float, Field(ge=0, le=300)] | None = None
    """How long after its end a token is accepted at most; five minutes are allowed where it is not declared."""

    @model_validator(mode="after")
    def _has_what_its_algorithm_needs(self) -> Self:
        is_shared = self.algorithm.startswith("HS")
        if is_shared and (self.secret_env is None or self.key_file is not None):
            raise ValueError(f"algorithm {self.algorithm} needs secret_env, the variable of a secret, and no key_file")
        if not is_shared and (self.key_file is None or self.secret_env is not None):
            raise ValueError(f"algorithm {self.algorithm} needs key_file, a private key in PEM, and no secret_env")
        return self


class EnvironmentAuth(Credential):
    """Base of the kinds whose credentials are in environment variables; each value is the name of a variable."""

    writer_env: str
    """Variable of a principal that may create."""
    other_writer_env: str | None = None
    """Variable of another principal that may create."""
    reader_env: str | None = None
    """Variable of a principal that is authenticated but may not create."""


class StaticAuth(Placed, EnvironmentAuth):
    """``[auth] kind = "static"``: tokens from the environment, one for each principal.

    Each value is the *name* of an environment variable. Checks that need a principal that is not given are skipped.
    """

    kind: Literal["static"]
    expired_env: str | None = None
    """Variable with an expired token of the writer."""


class ApiKeyAuth(EnvironmentAuth):
    """``[auth] kind = "api_key"``: a key in a header, a query parameter or a cookie.

    Each value is the name of an environment variable.
    """

    kind: Literal["api_key"]
    header: Token = "X-API-Key"
    """The header that carries it."""
    scheme: HeaderValue = ""
    """The scheme before it; empty for none."""
    expired_env: str | None = None
    """Variable with an expired key."""
    key_in: Literal["header", "query", "cookie"] = "header"
    """Where it is sent."""
    name: Token | None = None
    """The name of the query parameter or of the cookie."""

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if (self.key_in == "header") != (self.name is None):
            raise ValueError("name is that of a query parameter or a cookie: key_in says which; a header is in header")
        if self.key_in != "header" and self.scheme:
            raise ValueError("a key in the query or in a cookie has no scheme")
        return self


class BasicAuth(EnvironmentAuth):
    """``[auth] kind = "basic"``: user and password; each value names an environment variable with ``user:password``."""

    kind: Literal["basic"]
    scheme: HeaderValue = "Basic"
    """The scheme before it; empty for none."""


Address = Annotated[str, Field(pattern=r"^https?://[^@\x00-\x20]+$"), AfterValidator(checked_address)]


class TokenEndpointAuth(Placed, EnvironmentAuth):
    """Base of the kinds that ask a token endpoint for tokens, and again before they expire."""

    token_url: Address
    """The token endpoint (RFC 6749 §3.2)."""
    scope: str = ""
    """Sent with every token request."""
    audience: str = ""
    """Sent with every token request, where the endpoint requires it."""
    client_in: Literal["header", "body"] = "header"
    """Where the client's id and secret go: HTTP Basic, or the form."""
    ca_file: str | None = None
    """PEM file of the authority that signed the token endpoint's certificate."""


class OAuth2Auth(TokenEndpointAuth):
    """``[auth] kind = "oauth2_client_credentials"``: tokens from a token endpoint, renewed before they expire.

    Each value names an environment variable with ``client_id:client_secret`` (RFC 6749 §4.4).
    """

    kind: Literal["oauth2_client_credentials"]


class OAuth2PasswordAuth(TokenEndpointAuth):
    """``[auth] kind = "oauth2_password"``: tokens for a user's name and password (RFC 6749 §4.3).

    Each value names an environment variable with ``user:password``.
    """

    kind: Literal["oauth2_password"]
    client_env: str | None = None
    """Variable with ``client_id:client_secret``, or with the id of a client that has no secret."""


class OAuth2RefreshAuth(TokenEndpointAuth):
    """``[auth] kind = "oauth2_refresh_token"``: tokens for a refresh token (RFC 6749 §6).

    Each value names an environment variable with one. Where the endpoint issues a new one, that is used next.
    """

    kind: Literal["oauth2_refresh_token"]
    client_env: str | None = None
    """Variable with ``client_id:client_secret``, or with the id of a client that has no secret."""


class SessionAuth(EnvironmentAuth):
    """``[auth] kind = "session"``: the cookie of a session that a login request begins, and a CSRF token.

    Each value names an environment variable with ``user:password``.
    """

    kind: Literal["session"]
    header: Literal["Cookie"] = "Cookie"
    """The header that carries it."""
    scheme: Literal[""] = ""
    """There is none."""
    login_url: Address
    """Where the login request is sent, with POST."""
    login_as: Literal["form", "json"] = "form"
    """How its fields are written."""
    user_field: str = "username"
    """The field of the user's name."""
    password_field: str = "password"  # noqa: S105 - the name of a field
    """The field of the password."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Other fields of the login request."""
    first_path: Path | None = None
    """A page of the same origin that is read before the login, for the cookies that the login needs."""
    cookie: Token
    """The cookie of the session. Other cookies that came with it are sent too."""
    csrf_header: Token | None = None
    """The header that carries the CSRF token."""
    csrf_cookie: Token | None = None
    """The cookie whose value is the CSRF token."""
    csrf_pointer: Pointer | None = None
    """Where in the reply to the login the CSRF token is, if it is in no cookie."""
    lifetime_s: Seconds = 900.0
    """For how long a session lasts; half of it later there is a new one."""
    ca_file: str | None = None
    """PEM file of the authority that signed the certificate of ``login_url``."""

    @model_validator(mode="after")
    def _says_where_the_csrf_token_is(self) -> Self:
        places = (self.csrf_cookie is not None) + (self.csrf_pointer is not None)
        if places != (self.csrf_header is not None):
            raise ValueError("csrf_header goes with csrf_cookie or csrf_pointer, which say where its value comes from")
        return self


Command = Annotated[tuple[str, ...], Field(min_length=1)]


class CommandAuth(Placed, Credential):
    """``[auth] kind = "command"``: each principal's token is what a command prints; run again before it expires."""

    kind: Literal["command"]
    writer: Command
    """Argument list, without a shell, for a principal that may create."""
    other_writer: Command | None = None
    """The same for another principal that may create."""
    reader: Command | None = None
    """The same for a principal that is authenticated but may not create."""
    expired: Command | None = None
    """The same for an expired token of the writer."""
    lifetime_s: Seconds = 300.0
    """How long a token is valid that does not say so itself."""


class SignerAuth(Credential):
    """``[auth] kind = "signer"``: a command signs each request, such as AWS Signature Version 4.

    Each principal's command runs as long as the run. For each request it reads one JSON line from its standard input:
    ``method``, ``url``, ``headers``, ``body_sha256`` (hexadecimal) and, up to 64 KiB, ``body`` (base64). It writes one
    JSON line: ``{"headers": {...}}``, which are added to the request, or ``{"error": "..."}``.
    """

    kind: Literal["signer"]
    scheme: HeaderValue = ""
    """The scheme of the signature in ``header``, such as ``AWS4-HMAC-SHA256``, for requests with a wrong one."""
    writer: Command
    """Argument list, without a shell, for a principal that may create."""
    other_writer: Command | None = None
    """The same for another principal that may create."""
    reader: Command | None = None
    """The same for a principal that is authenticated but may not create."""
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    """The longest time for one signature."""


class NoAuth(Section):
    """``[auth] kind = "none"``: the endpoint needs no credential."""

    kind: Literal["none"] = "none"


Auth = Annotated[
    JwtAuth
    | StaticAuth
    | ApiKeyAuth
    | BasicAuth
    | OAuth2Auth
    | OAuth2PasswordAuth
    | OAuth2RefreshAuth
    | SessionAuth
    | CommandAuth
    | SignerAuth
    | NoAuth,
    Field(discriminator="kind"),
]
AUTH_MODELS: tuple[type[Section], ...] = get_args(get_args(Auth)[0])
"""The model of each kind."""
KINDS: tuple[str, ...] = tuple(get_args(model.model_fields["kind"].annotation)[0] for model in AUTH_MODELS)
