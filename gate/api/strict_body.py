"""Bodies are read strictly: `"7"` is no number, and a field that nobody knows is an error."""

from typing import Any, cast

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler

from gate.errors import BadRequest


class StrictRequest(Request[Any, Any, Any]):
    """Decodes the body as what its handler takes. Litestar alone would convert: `"7"` to 7, 0 to false."""

    async def json(self) -> Any:
        """Raises BadRequest with the place in the body."""
        handler = cast(BaseRouteHandler, self.scope["route_handler"])
        field = handler.parsed_data_field
        try:
            value = msgspec.json.decode(await self.body(), type=field.annotation if field else Any)
        except msgspec.ValidationError as error:
            raise BadRequest(f"body: {error}.", hint="/schema/openapi.json describes it.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest(f"The body is no JSON: {error}.") from None
        if value is None:
            raise BadRequest("body: Expected `object`, got `null`.", hint="Send no body at all, or an object.")
        return value
