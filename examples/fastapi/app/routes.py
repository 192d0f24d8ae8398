"""The endpoints."""

import uuid
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response, status
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Session
from app.models import Project
from app.schemas import ProjectIn, ProjectOut
from app.security import Reader, User, Writer

router = APIRouter(prefix="/projects", tags=["projects"])


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_project(
    project_in: ProjectIn, user: Writer, session: Session, request: Request, response: Response
) -> ProjectOut:
    """Create a project that belongs to the caller."""
    project = Project(**project_in.model_dump(), owner=user.subject)
    session.add(project)
    await _commit(session)
    response.headers["Location"] = request.app.url_path_for("read_project", project_id=str(project.id))
    return ProjectOut.model_validate(project)


@router.get("")
async def list_projects(
    user: Reader,
    session: Session,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=10**6)] = 0,
) -> list[ProjectOut]:
    """List the caller's projects, the newest first."""
    query = select(Project).where(Project.owner == user.subject)
    query = query.order_by(Project.created_at.desc(), Project.id).limit(limit).offset(offset)
    return [ProjectOut.model_validate(project) for project in await session.scalars(query)]


@router.get("/{project_id}")
async def read_project(project_id: uuid.UUID, user: Reader, session: Session) -> ProjectOut:
    """Show one of the caller's projects."""
    return ProjectOut.model_validate(await _own_project(session, project_id, user))


@router.put("/{project_id}")
async def replace_project(project_id: uuid.UUID, project_in: ProjectIn, user: Writer, session: Session) -> ProjectOut:
    """Replace one of the caller's projects."""
    project = await _own_project(session, project_id, user, to_change=True)
    for field, value in project_in.model_dump().items():
        setattr(project, field, value)
    await _commit(session)
    return ProjectOut.model_validate(project)


@router.delete("/{project_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_project(project_id: uuid.UUID, user: Writer, session: Session) -> None:
    """Delete one of the caller's projects."""
    await session.delete(await _own_project(session, project_id, user, to_change=True))
    await session.commit()


async def _own_project(session: AsyncSession, project_id: uuid.UUID, user: User, *, to_change: bool = False) -> Project:
    query = select(Project).where(Project.id == project_id, Project.owner == user.subject)
    # Of an update and a delete at the same time, the second finds what the first has left.
    project = await session.scalar(query.with_for_update() if to_change else query)
    if project is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, detail="No such project")
    return project


async def _commit(session: AsyncSession) -> None:
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(status.HTTP_409_CONFLICT, detail="There is a project with this name") from None
