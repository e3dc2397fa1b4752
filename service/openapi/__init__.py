"""The service described as OpenAPI 3.1, from the types that decode its requests and the model that is live."""

from service.openapi.document import Document, describe

__all__ = ["Document", "describe"]
