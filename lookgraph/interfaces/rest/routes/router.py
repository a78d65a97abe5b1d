"""What all routes have in common."""

from fastapi import APIRouter


def router(tag: str) -> APIRouter:
    """A router of this version of the service, for routes about one thing."""
    return APIRouter(prefix="/v1", tags=[tag])
