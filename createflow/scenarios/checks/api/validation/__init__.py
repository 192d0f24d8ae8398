"""Step 5: what is stored is what the schema allows, as it was sent, and what is refused is refused with its reasons."""

from createflow.scenarios.checks.api.validation import generated, limits, schema, text

PARTS = (schema, limits, text, generated)
