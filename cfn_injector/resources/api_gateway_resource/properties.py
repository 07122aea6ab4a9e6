"""The properties of ``Custom::APIGatewayResource``: what each of them does.

Data alone: docs/reference/api-gateway-resource.md shows it, and a test checks that API Gateway's model has the same
names.
"""

from __future__ import annotations

from collections.abc import Mapping

VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")

IDENTITY: Mapping[str, str] = {
    "RestApiId": "the ID of the API",
    "ParentId": "the ID of the resource that `Path` begins at. Default: the root",
    "Path": "a path of any depth, relative to the root or to `ParentId`: `{name}`, `orders/{id}/lines`. Without it, "
    "the method is on the parent itself",
    "Method": ", ".join(f"`{verb}`" for verb in VERBS[:-1]) + f" or `{VERBS[-1]}`",
}
"""What says which method it is: a change of one of these replaces it."""

BACKEND: Mapping[str, str] = {
    "IntegrationRequest": "the backend: a `Type` and [what it needs](#members-of-integrationrequest)",
    "IntegrationResponses": "how the backend's answers become responses: a [list](#members-of-integrationresponses)",
    "MethodResponses": "the responses of the method: a [list](#members-of-methodresponses)",
}
METHOD: Mapping[str, str] = {
    "AuthorizationType": "who may call the method: `NONE` (default), `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`",
    "AuthorizerId": "the ID of the authorizer, for `CUSTOM` and `COGNITO_USER_POOLS`",
    "AuthorizationScopes": "scopes of which an access token needs one, for `COGNITO_USER_POOLS`",
    "ApiKeyRequired": "whether a caller needs an API key. Default: `false`",
    "RequestParameters": "parameters of the request, such as `method.request.header.Accept`: whether each is required",
    "RequestModels": "models of the request's body, by media type",
    "RequestValidatorId": "the ID of the validator of requests",
}
"""Arguments of PutMethod."""

PROPERTIES: Mapping[str, str] = {
    **IDENTITY,
    **BACKEND,
    **METHOD,
    "StageName": "the stage to deploy the method to. Default: nothing is deployed",
}

INTEGRATION_REQUEST: Mapping[str, str] = {
    "Type": "`Lambda`, or one of API Gateway's own types: `AWS`, `AWS_PROXY`, `HTTP`, `HTTP_PROXY` or `MOCK`",
    "FunctionArn": "for `Lambda`: the ARN of the function, version or alias",
    "Uri": "the URI of the backend. Not for `Lambda`",
    "IntegrationHttpMethod": "the HTTP method with which the backend is called. Not for `Lambda`",
    "Credentials": "the ARN of the role with which API Gateway calls the backend",
    "ConnectionType": "`INTERNET` (default) or `VPC_LINK`",
    "ConnectionId": "the ID of the VPC link, for `VPC_LINK`",
    "IntegrationTarget": "the listener of a load balancer, for `VPC_LINK`",
    "RequestParameters": "parameters of the call, and where their values come from",
    "RequestTemplates": "templates that map the request's body, by media type",
    "PassthroughBehavior": "what happens to a body without a template: `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES` or `NEVER`",
    "ContentHandling": "the conversion of the body: `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`. Default: none",
    "CacheNamespace": "a group of parameters in the cache. Default: the ID of the resource",
    "CacheKeyParameters": "the parameters that are part of the key in the cache",
    "TimeoutInMillis": "how long API Gateway waits for the backend. Default: 29,000",
    "TlsConfig": "whether the backend's certificate is verified",
    "ResponseTransferMode": "`BUFFERED` (default) or `STREAM`",
}
"""Arguments of PutIntegration, by their names in a template."""

INTEGRATION_RESPONSE: Mapping[str, str] = {
    "StatusCode": "the status of the response. `MethodResponses` must have it, too",
    "SelectionPattern": "a regular expression for the backend's answers that become this response. Default: all others",
    "ResponseParameters": "headers of the response, and where their values come from",
    "ResponseTemplates": "templates that map the body, by media type",
    "ContentHandling": "the conversion of the body: `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`. Default: none",
}
"""Arguments of PutIntegrationResponse."""

METHOD_RESPONSE: Mapping[str, str] = {
    "StatusCode": "the status of the response",
    "ResponseParameters": "headers of the response, such as `method.response.header.Age`: whether each is required",
    "ResponseModels": "models of the body, by media type",
}
"""Arguments of PutMethodResponse."""
