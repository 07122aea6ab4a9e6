import { App, Aspects, CfnOutput, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AttributeType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Alias, Code, Function, FunctionProps, Runtime } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { InjectEnvironment, LambdaCode } from "./injection";

const runtime = Runtime.NODEJS_22_X;

/** Four functions of one asset. */
class Shop extends Stack {
  constructor(scope: Construct, stage: string) {
    super(scope, `shop-${stage}`);
    const table = new TableV2(this, "Table", {
      partitionKey: { name: "id", type: AttributeType.STRING },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const environment = {
      TABLE: table.tableName,
      STAGE: stage,
      GREETING: this.node.tryGetContext("greeting") ?? "hello",
    };
    const asset = Code.fromAsset("function");

    // Functions as in any application. The Aspect below changes them.
    this.serve("List", { code: asset, handler: "index.list", environment });
    this.serve("Create", { code: asset, handler: "index.create", environment });

    // Functions that share a copy of the asset.
    const reports = new LambdaCode(this, "Reports", asset.bind(this).s3Location!, {
      Runtime: runtime.name,
      Handlers: { Daily: "index.daily", Weekly: "index.weekly" },
      Env: environment,
    });
    this.serve("Daily", reports.function("Daily"));
    this.serve("Weekly", reports.function("Weekly"));
  }

  private serve(name: string, props: Pick<FunctionProps, "code" | "handler" | "environment">): void {
    const fn = new Function(this, name, { runtime, ...props });
    const live = new Alias(this, `${name}Live`, { aliasName: "live", version: fn.currentVersion });
    new CfnOutput(this, `${name}Arn`, { value: live.functionArn });
  }
}

const app = new App();
for (const stage of ["dev", "prod"]) new Shop(app, stage);
Aspects.of(app).add(new InjectEnvironment());
