"""The service of ``examples/fastapi`` with one defect, which the variable DEFECT names. Served as the honest one is."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

import psycopg
from app import database, routes
from app.main import app
from app.models import Project
from app.schemas import ProjectIn, ProjectOut
from app.security import writer
from fastapi import Depends, HTTPException, Request, Response
from pydantic import ConfigDict
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["app"]


def _without_constraint() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ALTER TABLE projects DROP CONSTRAINT IF EXISTS projects_owner_name_key")


def double_insert() -> None:
    """A create is inserted once more, as by a retry after a time-out that had done its work."""
    _without_constraint()

    async def commit(session: AsyncSession) -> None:
        columns = [column.key for column in Project.__table__.columns if column.key not in {"id", "created_at"}]
        session.add_all([Project(**{key: getattr(new, key) for key in columns}) for new in session.new])
        await session.commit()

    routes._commit = commit


def truncation() -> None:
    """A long description loses its end, as in a column of VARCHAR(255) with an explicit cast."""

    @event.listens_for(Project, "before_insert")
    def cut(_mapper: object, _connection: object, project: Project) -> None:
        project.description = project.description[:255]


def check_then_insert() -> None:
    """The name is looked for first and inserted later, without a constraint."""
    _without_constraint()

    async def commit(session: AsyncSession) -> None:
        for new in list(session.new):
            with session.no_autoflush:
                same = select(Project.id).where(Project.owner == new.owner, Project.name == new.name)
                if await session.scalar(same):
                    raise HTTPException(409, detail="There is a project with this name")
        await session.commit()

    routes._commit = commit


def reply_before_commit() -> None:
    """The session commits when the request is over; FastAPI ends a dependency after it has sent the reply."""

    async def committing() -> AsyncIterator[AsyncSession]:
        async with database.sessions()() as session:
            yield session
            await session.commit()

    async def flush(session: AsyncSession) -> None:
        await session.flush()

    app.dependency_overrides[database.get_session] = committing
    routes._commit = flush


def creator_from_body() -> None:
    """The owner that the body names is believed."""

    class Owned(ProjectIn):
        model_config = ConfigDict(extra="ignore", strict=True)

        owner: str = ""

    async def create(
        project_in: Owned,
        user: Annotated[routes.User, Depends(writer)],
        session: Annotated[AsyncSession, Depends(database.get_session)],
        request: Request,
        response: Response,
    ) -> ProjectOut:
        project = Project(**project_in.model_dump() | {"owner": project_in.owner or user.subject})
        session.add(project)
        await routes._commit(session)
        response.headers["Location"] = request.app.url_path_for("read_project", project_id=str(project.id))
        return ProjectOut.model_validate(project)

    app.post("/projects", status_code=201)(create)
    app.router.routes.insert(0, app.router.routes.pop())


DEFECTS = (double_insert, truncation, check_then_insert, reply_before_commit, creator_from_body)
{defect.__name__: defect for defect in DEFECTS}[os.environ["DEFECT"]]()
