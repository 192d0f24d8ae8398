"""Step 5: what the schema allows is stored as sent; everything else is refused with reasons."""

from createflow.scenarios.checks.api.validation import generated, limits, listed, reads, schema, text

PARTS = (schema, limits, text, listed, reads, generated)
