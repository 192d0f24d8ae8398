"""An instance of the business service."""
