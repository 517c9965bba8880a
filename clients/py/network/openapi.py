"""The OpenAPI document that a node's REST serves is valid, and has what is asked most. Ends with 0 if so.

python3 openapi.py REST
"""

import sys

import requests
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

document = requests.get(f"{sys.argv[1]}/openapi.json", timeout=10).json()
validate(document, cls=OpenAPIV30SpecValidator)
names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
assert len(names) == len(set(names)) > 100, len(names)
assert "get" in document["paths"]["/cosmos/bank/v1beta1/balances/{address}"]
print(f"ok {len(names)} operations")
