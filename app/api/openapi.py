"""The OpenAPI document: what flask-openapi3 makes of the code, mended where that is not valid or says too little."""

from http import HTTPStatus
from typing import Any

from app.api.documents import PROBLEM, ProblemDocument, problems

# Where people have to sign in, any route may answer these.
_OF_ACCOUNTS = (401, 403)
_TOKEN = "A token that a user made on the page of the account, where people have to sign in."  # noqa: S105 a sentence
_BYTES = "application/octet-stream"


def completed(generated: dict[str, Any]) -> dict[str, Any]:
    """Complete the generated document; doing so twice changes nothing.

    Parameters
    ----------
    generated
        The document as flask-openapi3 has it; it is not changed.
    """
    schemas = {name: _modern(schema) for name, schema in generated["components"]["schemas"].items()}
    # Errors are problem documents, and never what the library would answer.
    schemas.pop("ValidationErrorModel", None)
    schemas[PROBLEM] = ProblemDocument.model_json_schema()
    # Where there is no security scheme the library writes null, which OpenAPI does not allow.
    components = {name: part for name, part in generated["components"].items() if part is not None}
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": _TOKEN}}
    paths = {
        path: {method: _operation(operation) for method, operation in methods.items()}
        for path, methods in generated["paths"].items()
    }
    # A token is needed only where people have to sign in; those who have in this browser need none.
    security: list[dict[str, list[str]]] = [{"token": []}, {}]
    return {**generated, "paths": paths, "security": security, "components": {**components, "schemas": schemas}}


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    contents = operation.get("requestBody", {}).get("content", {})
    if _BYTES in contents:
        # The library knows no bodies that are files.
        described = {"schema": {"type": "string", "format": "binary"}, "example": "the bytes of the file"}
        operation = {**operation, "requestBody": {"content": {_BYTES: described}, "required": True}}
    responses = operation.get("responses", {})
    of_accounts = {str(status): said for status, said in problems(*_OF_ACCOUNTS).items()}
    described = {
        status: {"description": HTTPStatus(int(status)).phrase, **said} for status, said in of_accounts.items()
    }
    operation = {**operation, "responses": described | responses}
    if "parameters" not in operation:
        return operation
    return {**operation, "parameters": [_parameter(parameter) for parameter in operation["parameters"]]}


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    """The example is the parameter's; the library puts it into the schema too."""
    schema = {name: value for name, value in parameter["schema"].items() if name != "example"}
    return {**parameter, "schema": schema}


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """With its example in a list, as JSON Schema has it and OpenAPI since 3.1."""
    modern = {name: value for name, value in schema.items() if name != "example"}
    return modern | ({"examples": [schema["example"]]} if "example" in schema else {})
