// Puts variables into the code of native functions, by the provider's resource type Custom::LambdaCode.
import { CustomResource, Duration, Fn, IAspect, IResolveContext, Lazy, Stack } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Bucket, Location } from "aws-cdk-lib/aws-s3";
import { Construct, IConstruct } from "constructs";

/** A copy of an artifact that contains the variables of `Env`. One copy serves all functions in `Handlers`. */
export class LambdaCode extends CustomResource {
  constructor(scope: Construct, id: string, { bucketName, objectKey, objectVersion }: Location, properties: object) {
    super(scope, id, {
      resourceType: "Custom::LambdaCode",
      serviceToken: Fn.importValue("cfn-injector-ServiceToken"),
      serviceTimeout: Duration.minutes(20),
      properties: { Code: { S3Bucket: bucketName, S3Key: objectKey, S3ObjectVersion: objectVersion }, ...properties },
    });
  }

  /** Properties of the function whose name in `Handlers` is `name`. */
  function(name: string) {
    const bucket = Bucket.fromBucketName(this, name, this.getAttString("S3Bucket"));
    return {
      code: lambda.Code.fromBucketV2(bucket, this.getAttString("S3Key")),
      handler: this.getAttString(`Handler.${name}`),
      currentVersionOptions: { codeSha256: this.getAttString("CodeSha256") },
    };
  }
}

/** Moves the variables of each Python and Node.js function below a construct from `Environment` into its code. */
export class InjectEnvironment implements IAspect {
  visit(node: IConstruct): void {
    const fn = node instanceof lambda.Version ? node.lambda : node;
    const code = fn instanceof lambda.Function ? codeOf(fn) : undefined;
    if (code && node instanceof lambda.Version)
      (node.node.defaultChild as lambda.CfnVersion).codeSha256 = code.getAttString("CodeSha256");
  }
}

// Read by Lambda, by the interpreter while it starts, or by extensions: these variables stay in `Environment`.
const STAYS = /^(AWS_|DD_|LAMBDA_|LC_|LD_|NEW_RELIC_|NODE_|OTEL_|PYTHON|_|(LANG|PATH|TZ)$)/;

/** The function's copy of its artifact, made at the first call. Undefined if the function has nothing to move. */
function codeOf(fn: lambda.Function): LambdaCode | undefined {
  const native = fn.node.defaultChild as lambda.CfnFunction;
  const { s3Bucket, s3Key, s3ObjectVersion } = native.code as lambda.CfnFunction.CodeProperty;
  const { environment, handler, runtime } = native;
  const variables: object = Stack.of(fn).resolve(environment)?.variables ?? {};
  const made = fn.node.tryFindChild("LambdaCode") as LambdaCode | undefined;
  if (made || !s3Bucket || !s3Key || !/^(nodejs|python)/.test(runtime ?? "")) return made;
  if (Object.keys(variables).every((name) => STAYS.test(name))) return undefined;

  // Resolved when the template is written, so that values of other stacks are imported.
  const those = (stay: boolean) =>
    Lazy.uncachedAny({
      produce: (context: IResolveContext) => {
        const found = Object.entries(context.resolve(environment).variables);
        return Object.fromEntries(found.filter(([name]) => STAYS.test(name) === stay));
      },
    });
  const artifact = { bucketName: s3Bucket, objectKey: s3Key, objectVersion: s3ObjectVersion };
  const code = new LambdaCode(fn, "LambdaCode", artifact, { Runtime: runtime, Handler: handler, Env: those(false) });
  native.code = { s3Bucket: code.getAttString("S3Bucket"), s3Key: code.getAttString("S3Key") };
  native.handler = code.getAttString("Handler");
  native.environment = { variables: those(true) };
  return code;
}
