"""What is sent and shown."""

from django.db import models
from rest_framework import serializers

from articles.models import Article


class TextField(serializers.CharField):
    """Text as it was sent: neither made of a number, nor without its outer blanks."""

    def __init__(self, **options: object) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: object) -> str:
        """Refuse what is no text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ArticleSerializer(serializers.HyperlinkedModelSerializer):
    """An article. ``url`` becomes the Location of a 201."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.CharField: TextField,
        models.TextField: TextField,
    }
    owner = serializers.ReadOnlyField(source="owner.username")

    class Meta:
        """Its fields."""

        model = Article
        fields = ["url", "id", "title", "body", "status", "published_on", "owner", "created_at"]
