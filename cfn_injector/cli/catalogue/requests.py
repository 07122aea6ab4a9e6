"""CI101 to CI199: events of CloudFormation and answers to them."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Events of CloudFormation and answers to them"

ENTRIES: dict[str, Entry] = {
    # Events that are refused
    "CI101": Entry(
        "The event is not a complete event of CloudFormation",
        "The event has an unknown `RequestType` or `StackId`, or lacks a field that CloudFormation [always "
        "sends](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html#crpg-ref-requesttypes). "
        "Something other than CloudFormation invoked the provider's function, such as a test event. "
        "Nothing was changed.",
        "Do not invoke the function yourself, and remove triggers that the provider's stack does not create. To use "
        "the provider, set `ServiceToken` to the function's ARN in a template, and deploy the template.",
    ),
    "CI102": Entry(
        "The provider does not serve this resource type",
        "The type of the resource is not one of those that the message lists. The type is misspelled, or the provider "
        "is older than the type. Or the provider's zip was built without the package that adds the type. Nothing was "
        "changed.",
        "Correct the type. For a type of another package, run `cfn-injector install --upgrade --with PACKAGE`. If the "
        "stack cannot be deleted because of this error, run `aws cloudformation delete-stack --stack-name STACK "
        "--retain-resources LOGICAL_ID`.",
    ),
    "CI103": Entry(
        "`Custom::APIGatewayResource` is turned off",
        "The parameter `ApiGateway` of the provider's stack is `false`, which is the default. So the provider's role "
        "may not change REST APIs. Nothing was changed.",
        "Let the provider's administrator run `cfn-injector install --upgrade --api-gateway`. The provider can then "
        "change methods, deployments and stages of every REST API in the account and Region. If that is too much, use "
        "`AWS::ApiGateway::Method` instead.",
    ),
    "CI104": Entry(
        "No stack waits for the answer to this event",
        "Before an event changes anything, the provider asks CloudFormation about it. The stack has to be in the "
        "provider's account and Region, and has to be changing this resource as the event says. CloudFormation did not "
        "confirm that for 20 seconds. Nothing was changed.",
        "Install a provider in the account and Region of the stack, and use its `ServiceToken`. If the event came "
        "late, deploy again. If nobody deployed at that moment, find out who may invoke the function: only roles that "
        "deploy need `lambda:InvokeFunction`.",
    ),
    "CI105": Entry(
        "CloudFormation does not tell the provider about the stack",
        "The provider asks CloudFormation whether an event is genuine, and CloudFormation refused this call with the "
        "error code in the message. After `AccessDenied`, the stack is in another account or Region, or a policy "
        "denies the call to the provider's role. Nothing was changed.",
        "Use a provider in the account and Region of the stack. Check that `PermissionsBoundary` and your "
        "organization's policies allow `cloudformation:DescribeStacks`, `cloudformation:DescribeStackResource` and "
        "`cloudformation:DescribeStackEvents`. After any other error code, deploy again.",
    ),
    "CI106": Entry(
        "The event is older than its `ServiceTimeout`",
        "The provider got the event when CloudFormation had stopped waiting for the answer. Lambda kept the event in "
        "its queue until then, or delivered it again. Nothing was changed.",
        "Set `ServiceTimeout: 1200`, and deploy again: an event can wait for 300 seconds, and the provider can work "
        "for 900. If many resources change at once, set `ReservedConcurrency` in the provider's stack.",
    ),
    # What ends the work
    "CI107": Entry(
        "The time for the event ended during a step",
        "The step in the message did not end before Lambda stops the provider, or before `ServiceTimeout` ends. The "
        "provider answers FAILED in time, and then makes no more calls to AWS for this event. CloudFormation rolls the "
        "stack back, which removes or restores what the event changed.",
        "Set `ServiceTimeout: 1200`, and deploy again. If it happens again, look for the logical ID in the provider's "
        "log: each line has the milliseconds since the start.",
    ),
    "CI108": Entry(
        "AWS refused a call of the provider",
        "The message is AWS's own, and names the operation. In most cases the provider's role lacks a permission, a "
        "value in the template is not valid, or a quota is used up.",
        "After `AccessDenied` or `AccessDeniedException`, compare the parameters of the provider's stack with what the "
        "template needs, and add missing permissions by `ExtraPolicyArns`. If a value is not valid, correct the "
        "property. If a quota is used up, request an increase in Service Quotas. In all other cases, deploy again.",
    ),
    "CI109": Entry(
        "The provider failed unexpectedly",
        "The provider, a library or a resource type of another package raised an error that nothing handles. The "
        "message has only its type and its place, because its text could contain a value of `Env`. "
        "`EndpointConnectionError`, `ConnectTimeoutError` and `ReadTimeoutError` mean that the provider could not "
        "reach a service of AWS.",
        "Deploy again. If the provider cannot reach AWS, check its network. Otherwise, report the message to the "
        "author of the file that it names. The repository of this project is [on "
        "GitHub](https://github.com/cfn-injector/cfn-injector).",
    ),
    "CI110": Entry(
        "A newer event for this resource was served before",
        "Lambda delivered this event late or again, after the provider had served a later event for the same resource. "
        "For example, an update arrived after its own rollback. The provider changed nothing.",
        "In most cases, there is nothing to do, because CloudFormation no longer waits for the answer. If the stack "
        "failed with this error, deploy again.",
    ),
    "CI111": Entry(
        "A call to AWS was blocked, because the event was answered",
        "The provider answers each event once, and makes no call to AWS for it after that. The work went on although "
        "the time had ended (CI107), or a resource type of another package works in a thread of its own.",
        "Look at the answer that CloudFormation got: it names the step during which the time ended. If the resource "
        "type is your own, let it return only when all its threads have ended.",
    ),
    # Answers
    "CI112": Entry(
        "The attributes of the resource do not fit into the answer",
        "CloudFormation accepts answers of at most [4,096 bytes](https://docs.aws.amazon.com/AWSCloudFormation/latest/"
        "UserGuide/crpg-ref.html#crpg-ref-responses). The values for `Fn::GetAtt` are a part of the answer, and are "
        "never cut. For `Handlers` of `Custom::LambdaCode`, the limit is about 40 names. The request fails.",
        "Divide `Handlers` between several `Custom::LambdaCode` resources. In a resource type of your own, return "
        "fewer or shorter attributes.",
    ),
    "CI113": Entry(
        "A resource type returned a result that is not valid",
        "A resource type of another package returned an empty physical ID, or an attribute that cannot be written as "
        "JSON. The request fails.",
        "Correct the resource type: `Outcome` needs a physical ID that is not empty, and attributes that are strings. "
        "Then run `cfn-injector install --upgrade --with PACKAGE`.",
    ),
    "CI114": Entry(
        "The provider may not answer at this `ResponseURL`",
        "The provider answers only at [CloudFormation's own bucket](https://docs.aws.amazon.com/AWSCloudFormation/"
        "latest/UserGuide/cfn-vpce-bucketnames.html) in its Region. The event has another URL or none, because it "
        "comes from an emulator, or does not come from CloudFormation. Nobody gets an answer.",
        "To answer an emulator, add its `host:port` to `ResponseHosts` of the provider's stack. Otherwise, let only "
        "CloudFormation invoke the function.",
    ),
    "CI115": Entry(
        "CloudFormation did not accept the answer",
        "The provider tried to deliver its answer six times. The message has the status or the network error of the "
        "last attempt. Lambda then puts the event into the queue of the provider's stack, and the provider tries to "
        "answer FAILED instead.",
        "Check that the provider can reach CloudFormation's bucket in Amazon S3 by HTTPS, also through a proxy if "
        "there is one. Then deploy again. A stack that got no answer waits until `ServiceTimeout` ends.",
    ),
    # Events that Lambda did not serve
    "CI116": Entry(
        "Lambda could not start the provider in time",
        "Lambda drops an event that waits for more than 300 seconds. Too many functions were running in the account, "
        "or more events arrived at once than `ReservedConcurrency` allows. Nothing was changed.",
        "Let the provider's administrator run `cfn-injector install --upgrade --reserved-concurrency 50`, or request a "
        "higher quota of [concurrent executions](https://docs.aws.amazon.com/lambda/latest/dg/"
        "lambda-concurrency.html). Or let fewer custom resources change at once, with `DependsOn`. Then deploy again.",
    ),
    "CI117": Entry(
        "The provider ended without an answer",
        "The provider could not be loaded, ran out of memory, or could not deliver its answer. Lambda put the event "
        "into the queue of the provider's stack, from which the provider answered FAILED. CloudFormation rolls the "
        "stack back, which removes or restores what the event changed.",
        "Look for the logical ID in the provider's log group, which is `/aws/lambda/cfn-injector` by default. Correct "
        "the cause that the log names, and deploy again.",
    ),
    "CI118": Entry(
        "Lambda did not serve the event",
        "Lambda put the event into the queue of the provider's stack, and gave no reason that the provider knows.",
        "Deploy again. If it happens again, look at the log and the metrics of the provider's function.",
    ),
    # Resource types of other packages
    "CI119": Entry(
        "The module of a resource type cannot be imported",
        "The command imports the module of each resource type, to see which services of AWS it calls. The module, or a "
        "package that it needs, is not installed beside the command, or the package's entry point names another "
        "module. No zip was written.",
        "Install the package and its dependencies into the environment of the command. Correct the entry point in the "
        "group `cfn_injector.resources`. Then run the command again.",
    ),
    "CI120": Entry(
        "The module of a resource type lacks a function",
        "A resource type is a module with the functions `create`, `update` and `delete`, and the module in the message "
        "does not have all of them. No zip was written.",
        "Add the function to the module, with the parameters `request` and `services`. Or correct the entry point, if "
        "it names the wrong module.",
    ),
}
