"""The application: ``uvicorn app.main:app``."""

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import JSONResponse

from app.routes import router
from app.settings import get_settings

app = FastAPI(title="Projects", version="1.0.0")
app.add_middleware(TrustedHostMiddleware, allowed_hosts=get_settings().allowed_hosts)
app.include_router(router)


@app.exception_handler(RequestValidationError)
async def invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    """As FastAPI's own handler, without what was sent: NaN, which Python's parser reads, is no JSON."""
    shown = [{key: problem[key] for key in ("loc", "msg", "type")} for problem in error.errors()]
    return JSONResponse({"detail": jsonable_encoder(shown)}, status_code=422)
