"""Tables."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models


class Article(models.Model):
    """Titles are unique."""

    class Status(models.TextChoices):
        """Where it is on its way."""

        DRAFT = "draft"
        PUBLISHED = "published"

    title = models.CharField(max_length=100, unique=True, validators=[RegexValidator(r"\S", "A title is not blank.")])
    body = models.TextField(max_length=5000, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    published_on = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="articles")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """The newest first."""

        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        """Its title."""
        return self.title
