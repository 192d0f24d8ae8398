"""Who may change an article."""

from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.views import APIView

from articles.models import Article


class IsOwnerOrReadOnly(permissions.BasePermission):
    """Everybody may read it, its owner may change it."""

    def has_object_permission(self, request: Request, view: APIView, obj: Article) -> bool:
        """Whether this request may go on."""
        return request.method in permissions.SAFE_METHODS or obj.owner == request.user
