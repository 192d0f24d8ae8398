"""The endpoints."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from rest_framework import serializers, viewsets
from rest_framework.permissions import SAFE_METHODS, DjangoModelPermissions

from articles.models import Article
from articles.permissions import IsOwnerOrReadOnly
from articles.serializers import ArticleSerializer


class ArticleViewSet(viewsets.ModelViewSet):
    """Articles are written by their owners and read by every user."""

    queryset = Article.objects.select_related("owner")
    serializer_class = ArticleSerializer
    permission_classes = [DjangoModelPermissions, IsOwnerOrReadOnly]
    # int() reads the digits of other scripts too: one article would have several addresses.
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Article]:
        """Lock what is to be changed: to save an article that was deleted meanwhile would insert it again."""
        articles = super().get_queryset()
        is_safe = self.request.method in SAFE_METHODS
        return articles if is_safe else articles.select_for_update(of=("self",))

    def perform_create(self, serializer: ArticleSerializer) -> None:
        """The owner is who sent the request."""
        _save(serializer, owner=self.request.user)

    def perform_update(self, serializer: ArticleSerializer) -> None:
        """The owner stays."""
        _save(serializer)


def _save(serializer: ArticleSerializer, **values: object) -> None:
    """Save. Between the look of UniqueValidator and the insert, another request may have taken the title."""
    try:
        with transaction.atomic():
            serializer.save(**values)
    except IntegrityError:
        taken = serializers.ErrorDetail("article with this title already exists.", code="unique")
        raise serializers.ValidationError({"title": [taken]}) from None
