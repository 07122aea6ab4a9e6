"""A shop in two stages: four functions of one asset."""

from aws_cdk import App, Aspects, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from injection import InjectEnvironment, LambdaCode

RUNTIME = lambda_.Runtime.PYTHON_3_13


class Shop(Stack):
    def __init__(self, scope, stage):
        super().__init__(scope, f"shop-{stage}")
        table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        environment = {
            "TABLE": table.table_name,
            "STAGE": stage,
            "GREETING": self.node.try_get_context("greeting") or "hello",
        }
        asset = lambda_.Code.from_asset("function")

        # Functions as in any application. The Aspect below changes them.
        self.serve("List", code=asset, handler="shop.list_", environment=environment)
        self.serve("Create", code=asset, handler="shop.create", environment=environment)

        # Functions that share a copy of the asset.
        handlers = {"Daily": "shop.daily", "Weekly": "shop.weekly"}
        location = asset.bind(self).s3_location
        reports = LambdaCode(self, "Reports", location, Runtime=RUNTIME.name, Handlers=handlers, Env=environment)
        for name in handlers:
            self.serve(name, **reports.function(name))

    def serve(self, name, **properties):
        function = lambda_.Function(self, name, runtime=RUNTIME, **properties)
        live = lambda_.Alias(self, f"{name}Live", alias_name="live", version=function.current_version)
        CfnOutput(self, f"{name}Arn", value=live.function_arn)


app = App()
for stage in ("dev", "prod"):
    Shop(app, stage)
Aspects.of(app).add(InjectEnvironment())
app.synth()
