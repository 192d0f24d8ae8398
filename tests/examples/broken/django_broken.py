"""The service of ``examples/django`` with one defect, which the variable DEFECT names. Served as the honest one is."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from django.contrib.auth import get_user_model
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.db.models.signals import pre_save

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
honest = get_wsgi_application()

# Models can be imported once Django is set up.
from articles import views  # noqa: E402
from articles.models import Article  # noqa: E402


def _without_constraint() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        query = "SELECT conname FROM pg_constraint WHERE conrelid = 'articles_article'::regclass AND contype = 'u'"
        for (name,) in other.execute(query).fetchall():
            other.execute(f'ALTER TABLE articles_article DROP CONSTRAINT IF EXISTS "{name}"')


def double_insert() -> None:
    """A create is inserted once more, as by a retry after a time-out that had done its work."""
    _without_constraint()

    def save(serializer: Any, **values: Any) -> None:
        made = serializer.save(**values)
        if values:
            again = Article.objects.get(pk=made.pk)
            again.pk = None
            again.save(force_insert=True)

    views._save = save


def truncation() -> None:
    """A long body loses its end, as in a column of VARCHAR(255) with an explicit cast."""

    def cut(instance: Article, **_: Any) -> None:
        instance.body = instance.body[:255]

    pre_save.connect(cut, sender=Article, weak=False)


def check_then_insert() -> None:
    """UniqueValidator looks for the title and the insert comes later, without a constraint."""
    _without_constraint()


def reply_before_commit() -> None:
    """A transaction of the whole request, which ends when the reply is closed: after it was sent."""
    connection.settings_dict["ATOMIC_REQUESTS"] = False
    dispatch = views.ArticleViewSet.dispatch

    def in_transaction(self: Any, request: Any, *arguments: Any, **named: Any) -> Any:
        connection.set_autocommit(False)
        return dispatch(self, request, *arguments, **named)

    views.ArticleViewSet.dispatch = in_transaction


def creator_from_body() -> None:
    """The owner that the body names is believed, if there is such a user."""

    def perform_create(self: Any, serializer: Any) -> None:
        named = get_user_model().objects.filter(username=str(self.request.data.get("owner", ""))).first()
        views._save(serializer, owner=named or self.request.user)

    views.ArticleViewSet.perform_create = perform_create


class _Committed:
    """A reply that ends its transaction when it is closed."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._reply)

    def close(self) -> None:
        """Called by the server after the last byte."""
        if connection.connection is not None and not connection.get_autocommit():
            connection.commit()
            connection.set_autocommit(True)
        self._reply.close()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> _Committed:
    """The service."""
    return _Committed(honest(environ, start_response))


DEFECTS = (double_insert, truncation, check_then_insert, reply_before_commit, creator_from_body)
{defect.__name__: defect for defect in DEFECTS}[os.environ["DEFECT"]]()
