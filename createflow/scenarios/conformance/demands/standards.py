"""The sentences of standards that checks hold a target to.

They were compared on 29 November 2026: RFC 6585, 6750, 7519, 9110, 9111, 9112, 9213 and 9651 with the RFC itself; 8725,
9325, 9457, 9562 and 9700 with the last source of the working group; 6797 §6.1.1, 6901, 7493, 7515, 7518, 8259, 9068 and
idempotency-key-header-07 with verbatim copies of the sections, several of each; rfc8725bis-10 with its source of August
2026, and §3.13 and §3.14 with copies.

These could not be compared with their own text: RFC 6797 §7.1 (read in summaries, and in a draft of it) and
ratelimit-headers-11 (read in the source of -10, and in a summary of -11).
"""

STANDARDS: dict[str, str] = {
    "RFC 6585 §3": "428 indicates that the origin server requires the request to be conditional",
    "RFC 6585 §4": "responses with 429 SHOULD explain the condition, and MAY include a Retry-After header",
    "RFC 6585 §5": "431: the server is unwilling to process the request because its header fields are too large",
    "RFC 6750 §2": "clients MUST NOT use more than one method to transmit the token in each request",
    "RFC 6750 §2.1": "resource servers MUST support this method [Bearer in Authorization]",
    "RFC 6750 §2.3": "the query SHOULD NOT be used unless neither Authorization nor the body can hold the token",
    "RFC 6750 §3": "without a token that enables access the resource server MUST include WWW-Authenticate; all "
    "challenges MUST use the auth-scheme value Bearer, and one or more auth-param values MUST follow it; where a token "
    "failed it SHOULD include the error attribute",
    "RFC 6750 §3.1": "invalid_request SHOULD be answered with 400, invalid_token with 401; without any "
    "authentication information it SHOULD NOT include an error code",
    "RFC 6750 §5.3": "clients MUST always use TLS or equivalent transport security",
    "RFC 6797 §6.1.1": "the REQUIRED max-age directive specifies the number of seconds; zero ends the policy",
    "RFC 6797 §7.1": "an HSTS Host SHOULD include the field in its responses over secure transport, and the "
    "field MUST satisfy the grammar",
    "RFC 6901 §3": "~ needs to be encoded as ~0 and / as ~1 when they appear in a reference token",
    "RFC 7493 §2.2": "to exchange numbers of greater magnitude or precision exactly, it is RECOMMENDED to encode "
    "them in JSON string values",
    "RFC 7493 §2.3": "objects in I-JSON messages MUST NOT have members with duplicate names",
    "RFC 7515 §4.1.2": "an HTTP GET request to retrieve the JWK Set MUST use TLS",
    "RFC 7515 §4.1.5": "an HTTP GET request to retrieve the certificate MUST use TLS",
    "RFC 7515 §4.1.11": "an extension in crit MUST be understood and processed; if one is not, the JWS is "
    "invalid; recipients MAY consider it invalid where other constraints are violated",
    "RFC 7515 §5.2": "the parts are decoded following the restriction that no line breaks, whitespace, or other "
    "additional characters have been used",
    "RFC 7518 §3.2": "a key of the same size as the hash output or larger MUST be used",
    "RFC 7519 §1": "JWTs are always represented using the JWS or the JWE Compact Serialization",
    "RFC 7519 §2": "a StringOrURI value is compared as a case-sensitive string, without transformations",
    "RFC 7519 §4.1.2": "the subject value MUST either be scoped to be locally unique in the context of the issuer or "
    "be globally unique",
    "RFC 7519 §4.1.3": "if the principal does not identify itself with a value in the aud claim when this claim is "
    "present, the JWT MUST be rejected",
    "RFC 7519 §4.1.4": "on or after which the JWT MUST NOT be accepted; its value MUST be a number; a small "
    "leeway MAY be provided, usually no more than a few minutes",
    "RFC 7519 §4.1.5": "before which the JWT MUST NOT be accepted",
    "RFC 7519 §4.1.6": "iat is OPTIONAL",
    "RFC 7519 §7.2": "if any of the listed steps fail, the JWT MUST be rejected; base64url is decoded without line "
    "breaks, whitespace, or other additional characters",
    "RFC 8259 §8.1": "JSON text between systems of no closed ecosystem MUST be encoded using UTF-8; "
    "implementations MUST NOT add a byte order mark",
    "RFC 8259 §10": "the resulting text MUST strictly conform to the JSON grammar",
    "RFC 8259 §11": "the media type is application/json; it has no charset parameter",
    "RFC 8725 §3.1": "libraries MUST enable the caller to specify a set of algorithms and MUST NOT use any other",
    "RFC 8725 §3.2": "applications MUST only allow cryptographically current algorithms that meet their requirements",
    "RFC 8725 §3.3": "all cryptographic operations MUST be validated, and the entire JWT MUST be rejected if any fails",
    "RFC 8725 §3.5": "human-memorizable passwords MUST NOT be directly used as the key to a keyed-MAC algorithm",
    "RFC 8725 §3.8": "where a JWT has iss, the application MUST validate that the keys belong to the issuer; if they "
    "do not, it MUST reject the JWT",
    "RFC 8725 §3.9": "where an issuer's JWTs are for more than one application, each MUST validate the audience, and "
    "if it is not present or not associated with the recipient, it MUST reject the JWT",
    "RFC 8725 §3.10": "applications should validate kid against injection, and SHOULD protect against what blindly "
    "following jku or x5u can cause",
    "RFC 8725 §3.11": "the use of explicit typing is RECOMMENDED for new uses of JWTs",
    "RFC 9068 §2.2": "iss, exp, aud, sub, client_id, iat and jti are REQUIRED in such an access token",
    "RFC 9068 §4": "the resource server MUST verify that typ is at+jwt and reject any other value; the issuer MUST "
    "exactly match iss; the token MUST be rejected if aud does not contain the resource server",
    "RFC 9110 §2.2": "a sender MUST NOT generate protocol elements that do not match the grammar",
    "RFC 9110 §5.3": "a sender MUST NOT generate multiple field lines with the same name unless it is a list",
    "RFC 9110 §5.4": "larger than it wishes to process MUST be answered with an appropriate 4xx",
    "RFC 9110 §5.5": "field values containing CR, LF, or NUL characters are invalid and dangerous, other CTL invalid",
    "RFC 9110 §6.6.1": "an origin server with a clock MUST generate a Date in all 2xx, 3xx, and 4xx responses",
    "RFC 9110 §8.6": "in the reply to a HEAD a server MUST NOT send a Content-Length that is not that of the reply "
    "to the same request by GET",
    "RFC 9110 §8.8.1": "a strong validator is unique across all versions of all representations of a resource",
    "RFC 9110 §8.8.3": "entity-tag = [ weak ] opaque-tag",
    "RFC 9110 §8.8.3.2": "weak comparison: two tags are equivalent if their opaque-tags match, whichever is weak",
    "RFC 9110 §9.1": "an unknown method SHOULD be answered with 501, and one that is not allowed with 405",
    "RFC 9110 §9.2.2": "a proxy MUST NOT automatically retry non-idempotent requests",
    "RFC 9110 §9.3.2": "HEAD is identical to GET except that the server MUST NOT send content in the response",
    "RFC 9110 §9.3.3": "where a POST has created a resource, the origin server SHOULD send a 201 response containing "
    "a Location header field",
    "RFC 9110 §9.3.4": "for a new representation it MUST send 201, and for one that was replaced 200 or 204",
    "RFC 9110 §9.3.7": "a successful response to OPTIONS SHOULD have any header that might indicate optional "
    "features (e.g., Allow)",
    "RFC 9110 §10.2.1": "the Allow field lists the methods advertised as supported",
    "RFC 9110 §10.2.2": "Location = URI-reference",
    "RFC 9110 §10.2.3": "Retry-After = HTTP-date / delay-seconds; servers send it with 503 to say how long",
    "RFC 9110 §10.2.4": "it SHOULD NOT generate a Server field containing needlessly fine-grained detail",
    "RFC 9110 §11.1": "it uses a case-insensitive token to identify the authentication scheme",
    "RFC 9110 §11.4": "a request that omits credentials or has invalid ones SHOULD be answered with 401",
    "RFC 9110 §13.1.1": "the origin server MUST evaluate If-Match by strong comparison before the method, "
    "and MUST NOT perform it if the condition is false; it MAY answer with 412",
    "RFC 9110 §13.1.2": "the server MUST NOT perform the method if the condition is false, and MUST respond "
    "with 304 to GET or HEAD and with 412 to all others; tags MUST be compared weakly",
    "RFC 9110 §13.2.1": "a server MUST ignore all preconditions if its response to the same request without them "
    "would have had another status than a 2xx or 412",
    "RFC 9110 §15.5.2": "the server generating a 401 response MUST send a WWW-Authenticate with a challenge",
    "RFC 9110 §15.5.6": "the origin server MUST generate an Allow header field in a 405 response containing a list of "
    "the target resource's currently supported methods",
    "RFC 9111 §3.5": "a shared cache MUST NOT use a cached response to a request with Authorization for another one "
    "unless must-revalidate, public or s-maxage allows it",
    "RFC 9111 §5.2.2.9": "public: a cache MAY store the response even if it would otherwise be prohibited",
    "RFC 9111 §5.2.2.10": "s-maxage permits a shared cache to reuse a response to a request with Authorization",
    "RFC 9112 §2.2": "what does not match the grammar SHOULD be answered with 400, and the connection closed",
    "RFC 9112 §3.2": "a request without a Host or with more than one MUST be answered with 400",
    "RFC 9112 §5.1": "a request with whitespace between a field name and the colon MUST be rejected with 400",
    "RFC 9112 §6.1": "with both fields, the server MUST close the connection after responding",
    "RFC 9112 §6.3": "where the length is invalid, or chunked is not the final coding, the server MUST "
    "respond with 400 and then close the connection",
    "RFC 9112 §7.1": "chunk-size = 1*HEXDIG",
    "RFC 9112 §11.2": "request smuggling exploits differences in parsing among recipients",
    "RFC 9213 §2.2": "a cache MUST select the first targeted field on its list, and MUST ignore Cache-Control then",
    "RFC 9325 §3.1.1": "implementations MUST NOT negotiate TLS 1.0 or 1.1, and MUST support TLS 1.2",
    "RFC 9457 §3.1": "if a member's value type does not match the specified type, the member MUST be ignored",
    "RFC 9457 §3.1.1": "consumers MUST use the type URI as the problem type's primary identifier",
    "RFC 9457 §3.1.2": "generators MUST use the same status code in the actual HTTP response",
    "RFC 9562 §4.1": "the variant field determines the layout of the UUID",
    "RFC 9562 §4.2": "the version number is in the most significant 4 bits of octet 6; 1 to 8 are specified",
    "RFC 9651 §3.1": "lists are arrays of zero or more members",
    "RFC 9700 §4.3.2": "clients MUST NOT pass access tokens in a URI query parameter in the way of RFC 6750 §2.3",
    "draft-ietf-httpapi-idempotency-key-header-07 §2.1": "the value of Idempotency-Key MUST be a String",
    "draft-ietf-httpapi-idempotency-key-header-07 §2.3": "the resource MAY require time based keys to be "
    "able to purge them, and SHOULD define and publish such expiration policy",
    "draft-ietf-httpapi-idempotency-key-header-07 §2.6": "a retry SHOULD be answered with the result of the "
    "first request, or with an error while that is in progress",
    "draft-ietf-httpapi-idempotency-key-header-07 §2.7": "a key that is used with another payload SHOULD be "
    "answered with 422",
    "draft-ietf-httpapi-ratelimit-headers-11 §3": "RateLimit-Policy is a non-empty List of Quota Policy Items",
    "draft-ietf-httpapi-ratelimit-headers-11 §4": "RateLimit is expressed as a List of Service Limit Items",
    "draft-ietf-oauth-rfc8725bis-10 §3.13": "an upper limit on the number of hash iterations is RECOMMENDED",
    "draft-ietf-oauth-rfc8725bis-10 §3.14": "content with any other characters is not a JWT and MUST be rejected",
}
"""Section: its words, shortened. What only describes has none of the words of RFC 2119."""
