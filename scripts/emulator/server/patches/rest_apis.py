"""Patches of API Gateway: integrations and settings as they were put, and routes as they were deployed."""

import copy
import json
from contextvars import ContextVar


def give_mocks_no_http_method():
    """A mock integration of a REST API has no HTTP method, and MiniStack stores POST: Terraform replaces the integration each time, and
    with it loses its responses. Remove when `ministack.services.apigateway_v1._put_integration` has no default method.
    """
    from ministack.services import apigateway_v1

    put = apigateway_v1._put_integration
    apigateway_v1._put_integration = lambda api, resource, method, data: put(api, resource, method, {"httpMethod": None, **data})


def keep_paths_of_method_settings():
    """A stage's settings of one method are named after its path with ~1 for each slash, as on AWS: MiniStack decodes the name, and
    Terraform does not find what it has written. Remove when `ministack.services.apigateway_v1._try_apply_method_settings_patch` decodes
    no token.
    """
    from ministack.services import apigateway_v1

    settings_of = apigateway_v1._method_throttle_settings

    def settings_of_method(stage, path, method):
        named = (stage.get("methodSettings") or {}).get(f"{path.replace('/', '~1')}/{method}")
        return named or settings_of(stage, path, method)

    apigateway_v1._decode_json_pointer_token = lambda token: token
    apigateway_v1._method_throttle_settings = settings_of_method


def serve_routes_as_deployed():
    """A stage serves its API's resources as they are now; on AWS, as they were when its deployment was created. Remove when
    `ministack.services.apigateway_v1._create_deployment` keeps them.
    """
    from ministack.services import apigateway_v1

    stage_of_request = ContextVar("stage_of_request")

    def of_deployment(api, deployment):
        return f"{api}/{deployment}"

    # Beside those of the APIs, so that they are kept with the emulator's state.
    def remembering(create):
        def created(api, data):
            answer = create(api, data)
            if answer[0] == 201:
                resources = apigateway_v1._resources
                resources[of_deployment(api, json.loads(answer[2])["id"])] = copy.deepcopy(resources[api])
            return answer

        return created

    def forgetting(delete):
        def deleted(api, deployment):
            apigateway_v1._resources.pop(of_deployment(api, deployment), None)
            return delete(api, deployment)

        return deleted

    def as_deployed(match):
        def matched(api, *request):
            stage = apigateway_v1._stages_v1.get(api, {}).get(stage_of_request.get(), {})
            deployed = of_deployment(api, stage.get("deploymentId"))
            # A state that was kept before has none.
            return match(deployed if deployed in apigateway_v1._resources else api, *request)

        return matched

    execute, authorization_type = apigateway_v1._execute_in_scope, apigateway_v1.method_authorization_type

    async def execute_deployed(request, api, stage, *rest):
        stage_of_request.set(stage)
        return await execute(request, api, stage, *rest)

    def deployed_authorization_type(api, stage, *rest):
        stage_of_request.set(stage)
        return authorization_type(api, stage, *rest)

    apigateway_v1._create_deployment = remembering(apigateway_v1._create_deployment)
    apigateway_v1._delete_deployment = forgetting(apigateway_v1._delete_deployment)
    apigateway_v1._match_resource_tree = as_deployed(apigateway_v1._match_resource_tree)
    apigateway_v1._match_greedy_fallback = as_deployed(apigateway_v1._match_greedy_fallback)
    apigateway_v1._execute_in_scope = execute_deployed
    apigateway_v1.method_authorization_type = deployed_authorization_type


def patch_rest_apis():
    give_mocks_no_http_method()
    keep_paths_of_method_settings()
    serve_routes_as_deployed()
