"""``Custom::APIGatewayResource``: many methods at once, which share deployments, resources and API Gateway's quotas."""

from __future__ import annotations

import pytest

from benchmarks.fleet_methods import Result, describe, simulate
from cfn_injector.resources.api_gateway_resource.deployments import INCOMPLETE_SECONDS
from cfn_injector.resources.api_gateway_resource.tags import begun_in
from tests.fakes.api_gateway import bad, conflict, throttled
from tests.fakes.aws_lambda import Fault, no_hook
from tests.fakes.rest_apis import MADE, ORDERS, SHOP
from tests.support.api_gateway_resources import BASE, TYPE, created, deleted, left, sent, shop
from tests.support.calls import at, nothing, raising
from tests.support.world import World

LIVE = {"StageName": "live"}
METHODS, PATHS = 40, 8


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Each step of many methods that are created, updated and deleted at once, with API Gateway's quotas."""
    return {result.step: result for result in simulate(METHODS, PATHS)}


class TestManyAtOnce:
    @pytest.mark.parametrize("step", ["Create", "Update", "Delete"])
    def test_all_succeed_and_the_stage_serves_them(self, results: dict[str, Result], step: str) -> None:
        result = results[step]
        assert (result.failures, result.wrong) == ([], []), describe(result)

    @pytest.mark.parametrize("step", ["Create", "Update", "Delete"])
    def test_share_deployments(self, results: dict[str, Result], step: str) -> None:
        assert results[step].deployments <= METHODS / 2, describe(results[step])

    def test_need_one_tag_for_each_resource(self, results: dict[str, Result]) -> None:
        """There are 50 tags for all resources of an API."""
        assert len(results["Create"].tags) == PATHS + 1, describe(results["Create"])


@pytest.mark.usefixtures("functions")
class TestADeploymentOfAnother:
    def deploy_beside(self, world: World, begun: float) -> str:
        """Somebody deploys; the description says that another custom resource has begun at this time."""
        text = f"shop-dev-Beside-AAAAAAAAAAAA-BBBBBBBBBBBB at {begun:.3f} of them"
        arguments = {"restApiId": SHOP, "stageName": "live", "description": text}
        id: str = world.client("apigateway").create_deployment(**arguments)["id"]
        return id

    def created_while_others_deploy(self, world: World, seconds: float) -> tuple[str, str]:
        """Creates a method, during whose first attempt to deploy another began, so many seconds after the method.

        Returns the IDs of the other deployment, and of the one that the answer names.
        """
        other: list[str] = []

        def come_first() -> None:
            other.append(self.deploy_beside(world, world.clock.now() + seconds))
            raise throttled()

        world.gateway.before = at("CreateDeployment", come_first, times=1)
        answered = sent(world, "Create", {**BASE, **LIVE})
        assert answered["Status"] == "SUCCESS", answered["Reason"]
        return other[0], answered["Data"]["DeploymentId"]

    def test_is_enough_if_it_was_begun_after_the_method_was_complete(self, world: World) -> None:
        other, named = self.created_while_others_deploy(world, 2)
        assert named == other
        assert shop(world).stages["live"]["deploymentId"] == other

    @pytest.mark.parametrize("seconds", [-60, 0.5])
    def test_is_not_enough_if_it_may_have_been_begun_before(self, world: World, seconds: float) -> None:
        other, named = self.created_while_others_deploy(world, seconds)
        assert named != other
        assert shop(world).stages["live"]["deploymentId"] == named

    def test_is_not_enough_if_its_summary_lacks_the_method(self, world: World) -> None:
        def come_first() -> None:
            id = self.deploy_beside(world, world.clock.now() + 60)
            del shop(world).deployments[id]["_methods"]["/{name}"]
            raise throttled()

        world.gateway.before = at("CreateDeployment", come_first, times=1)
        created(world, **LIVE)
        assert ("/{name}", "GET") in shop(world).serves("live")

    def test_withdraws_a_method_for_the_one_that_deleted_it(self, world: World) -> None:
        id = created(world, **LIVE)
        world.clock.sleep(60)
        before = world.gateway.operations().count("CreateDeployment")

        def come_first() -> None:
            self.deploy_beside(world, 0)
            raise throttled()

        world.gateway.before = at("CreateDeployment", come_first, times=1)
        deleted(world, id, **LIVE)
        assert world.gateway.operations().count("CreateDeployment") == before + 2
        assert left(world) == []

    def test_says_when_it_was_begun(self, world: World) -> None:
        start = world.clock.now()
        created(world, **LIVE)
        described = shop(world).deployments[shop(world).stages["live"]["deploymentId"]]["description"]
        assert start <= begun_in(described) <= world.clock.now()


@pytest.mark.usefixtures("functions")
class TestAMethodWithoutAnIntegration:
    def test_is_waited_for_from_when_it_is_seen_not_from_when_deploying_was_throttled(self, world: World) -> None:
        start, refused = world.clock.now(), list[float]()

        def refuse() -> None:
            if world.clock.now() - start < INCOMPLETE_SECONDS + 5:
                raise throttled()
            if not refused:
                refused.append(world.clock.now())
                raise bad("No integration defined for method")

        world.gateway.before = at("CreateDeployment", refuse)
        created(world, **LIVE)
        assert refused
        assert ("/{name}", "GET") in shop(world).serves("live")

    def test_is_waited_for_anew_when_it_is_another_one(self, world: World) -> None:
        """Others are creating methods, one after the other."""
        start = world.clock.now()
        verbs = ["GET", "PUT", "DELETE", "PATCH"]

        def move() -> None:
            methods = shop(world).resources[ORDERS].methods
            for verb in verbs:
                methods.pop(verb, None)
            number = int((world.clock.now() - start) / (INCOMPLETE_SECONDS * 2 / 3))
            if number < len(verbs):
                methods[verbs[number]] = {"httpMethod": verbs[number], "authorizationType": "NONE"}

        world.gateway.before = at("CreateDeployment", move)
        created(world, **LIVE)
        assert world.clock.now() - start > INCOMPLETE_SECONDS * 2
        assert ("/{name}", "GET") in shop(world).serves("live")


@pytest.mark.usefixtures("functions")
class TestAResourceThatManyCreate:
    def interrupted(self, world: World, exchange: str, path: str = "a/b") -> None:
        """Another custom resource's provider is killed when it has made this call."""

        def die(name: str) -> None:
            raise KeyboardInterrupt

        def kill() -> None:
            world.wire.hook = die
            raise KeyboardInterrupt

        world.stack.logical_id = "Other"
        event = world.stack.event("Create", {**BASE, "Path": path}, resource_type=TYPE)
        world.stack.logical_id = "Function"
        world.gateway.after = at(exchange, kill)
        with pytest.raises(KeyboardInterrupt):
            world.deliver_unguarded(event)
        world.gateway.after, world.wire.hook = nothing, no_hook

    @pytest.mark.parametrize("exchange", ["CreateResource", "TagResource", "UpdateResource"])
    def test_is_completed_by_another_if_its_creator_was_interrupted(self, world: World, exchange: str) -> None:
        self.interrupted(world, exchange)
        id = created(world, Path="a/c")
        assert shop(world).paths() == ["/", "/a", "/a/c", "/orders"]
        deleted(world, id, Path="a/c")
        assert left(world) == []

    def test_is_left_to_its_creator_while_it_is_hidden(self, world: World) -> None:
        id = created(world, Path="a/b")
        self.interrupted(world, "TagResource", "b")
        deleted(world, id, Path="a/b")
        hidden = [each for each in shop(world).resources.values() if each.part.endswith("-pending")]
        assert [shop(world).tags[MADE + each.id].startswith("shop-dev-Other") for each in hidden] == [True]

    def test_is_not_tagged_if_another_event_has_created_it_since(self, world: World) -> None:
        def come_first() -> None:
            world.stack.logical_id = "Other"
            world.deliver(world.stack.event("Create", {**BASE, "Path": "a/c"}, resource_type=TYPE))
            world.stack.logical_id = "Function"

        world.gateway.before = at("CreateResource", come_first, times=1)
        event = world.stack.event("Create", {**BASE, "Path": "a/b"}, resource_type=TYPE)
        world.deliver(event)
        assert [answer["Status"] for answer in world.stack.answers] == ["SUCCESS", "SUCCESS"]
        tagged = [key for name, params in world.gateway.calls if name == "TagResource" for key in params["tags"]]
        assert sorted(tagged) == sorted(MADE + shop(world).at(path).id for path in ("/a", "/a/b", "/a/c"))
        assert left(world) == []

    def test_is_used_by_its_creator_after_another_event_has_renamed_it(self, world: World) -> None:
        """Deleting it would delete the methods of others below it."""

        def rename_first() -> None:
            (made,) = [each for each in shop(world).resources.values() if each.part.endswith("-pending")]
            made.part = "a"

        world.gateway.after = at("CreateResource", rename_first, times=1)
        created(world, Path="a/b")
        assert world.gateway.operations().count("CreateResource") == 2
        assert "DeleteResource" not in world.gateway.operations()
        assert left(world) == []

    @pytest.mark.parametrize("fault", [bad("taken"), conflict("taken")], ids=["a bad request", "a conflict"])
    def test_may_have_been_renamed_by_another_event(self, world: World, fault: Fault) -> None:
        """Whether API Gateway accepts the name that a resource has already is not documented."""

        def rename_first(name: str) -> None:
            if name == "UpdateResource":
                world.wire.hook = no_hook
                (made,) = [each for each in shop(world).resources.values() if each.part.endswith("-pending")]
                made.part = "a"
                world.gateway.before = at("UpdateResource", raising(fault), times=1)

        world.wire.hook = rename_first
        created(world, Path="a/b")
        assert shop(world).paths() == ["/", "/a", "/a/b", "/orders"]
        assert left(world) == []
