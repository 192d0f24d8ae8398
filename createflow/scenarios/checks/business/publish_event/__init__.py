"""Step 9: every write is published once, and its event equals the resource, also after late commits and outages."""

from createflow.scenarios.checks.business.publish_event import outages, published

PARTS = (published, outages)
