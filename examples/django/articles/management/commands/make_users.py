"""``manage.py make_users``: users to try the service with, and their tokens."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management.base import BaseCommand
from rest_framework_simplejwt.tokens import AccessToken


class Command(BaseCommand):
    """Two who may write, and one who may not."""

    help = __doc__

    def handle(self, **_: object) -> None:
        """Print what to export."""
        for name in ("writer", "other", "reader"):
            user, _made = get_user_model().objects.get_or_create(username=name)
            if name != "reader":
                user.user_permissions.set(Permission.objects.filter(content_type__app_label="articles"))
            self.stdout.write(f"export DJANGO_{name.upper()}={AccessToken.for_user(user)}")
            if name == "writer":
                expired = AccessToken.for_user(user)
                expired.set_exp(lifetime=-timedelta(hours=1))
                self.stdout.write(f"export DJANGO_EXPIRED={expired}")
