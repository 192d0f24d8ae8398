"""``kind = "api_key"``: one key for each principal, in an environment variable, sent in a header of its own."""

from createflow.scenarios.target.credentials import static


class Provider(static.Provider):
    """Differs from static tokens only in the header and in having no scheme; the profile's defaults say so."""
