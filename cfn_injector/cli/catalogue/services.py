"""CI401 to CI499: S3, Lambda and other services that the provider calls."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "S3, Lambda and other services that the provider calls"

ENTRIES: dict[str, Entry] = {
    "CI401": Entry(
        "An object in S3 does not exist",
        "There is no object with this bucket, key and version. The message has S3's code: `NoSuchBucket`, "
        "`NoSuchKey` or `NoSuchVersion`. The artifact was not uploaded, was deleted, or has another key. Nothing "
        "was deployed.",
        "Upload the artifact, or correct `S3Bucket`, `S3Key` and `S3ObjectVersion` in `Code`. If the message names "
        "an object in the staging bucket of the provider, somebody deleted it: deploy again. If that bucket itself "
        "is gone, install the provider again.",
    ),
    "CI402": Entry(
        "The provider may not use an object in S3",
        "S3 denied the call. The bucket is not in `SourceBuckets` of the provider's stack, or the bucket's policy "
        "or a KMS key does not allow the call. Nothing was deployed.",
        "Add the bucket: `cfn-injector install --upgrade --source-buckets BUCKET OTHER`, with all buckets that "
        "stay. If the bucket belongs to another account, its policy has to allow the actions in the message. If "
        "the object is encrypted with a KMS key, give the provider a policy with `kms:Decrypt` and "
        "`kms:GenerateDataKey` by `--extra-policy-arns`.",
    ),
    "CI403": Entry(
        "The artifact was replaced while it was being read",
        "The provider reads an artifact in several requests, and checks that all of them see the same object. "
        "Another build wrote an object with the same key meanwhile. Nothing was deployed.",
        "Deploy again. To avoid this, give each build a key of its own, such as a hash of the content: "
        "`cfn-injector package` does so.",
    ),
    "CI404": Entry(
        "A request to S3 failed",
        "S3 answered with the code in the message, the connection failed, or the answer was incomplete. Retries "
        "did not help. Nothing was deployed.",
        "Deploy again. If it fails again, look up the code among [S3's errors]"
        "(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). `InvalidObjectState` means that "
        "the object is archived: restore it first. `EndpointConnectionError` and other names of exceptions mean "
        "that the provider cannot reach S3.",
    ),
    "CI405": Entry(
        "An object was not assembled as planned",
        "The provider assembled an archive from parts in its staging bucket, and compared its size and end with "
        "the plan. They differ, so something else wrote to this key, or S3 answered wrongly. Lambda did not get "
        "the object.",
        "Deploy again. Let nothing but the provider write to the staging bucket. On an emulator, check that it "
        "supports copies of parts of an object (`UploadPartCopy`).",
    ),
    "CI406": Entry(
        "The key of the hashes is damaged",
        "The object `secret/key` in the staging bucket has 32 random bytes. The provider computes hashes with "
        "them, so that nobody can test a guess of a value. This object has another size, so something else wrote "
        "it. Nothing was deployed.",
        "Delete the object, and deploy again: the provider then creates a new one. The names of all packages "
        "change with it, so the next update of each resource deploys its code again.",
    ),
    "CI407": Entry(
        "The key of the hashes cannot be read or created",
        "The provider reads the object `secret/key` in its staging bucket, and creates it at the first use. S3 "
        "refused that with the code in the message. Nothing was deployed.",
        "After `AccessDenied`, run `cfn-injector install --upgrade`: the role of an older stack lacks the "
        "permission. Also check that no policy of the bucket denies the provider's role `s3:GetObject` and "
        "`s3:PutObject`. After another code, deploy again.",
    ),
    "CI408": Entry(
        "The provider's function lacks its settings",
        "The stack of the provider sets the environment variable `CFN_INJECTOR_STAGING_BUCKET` on its function. It "
        "is missing, because somebody changed the function by hand, or created it without the stack. Nothing was "
        "deployed.",
        "Set the variable to the bucket that the provider's stack exports as `cfn-injector-StagingBucket`. Or "
        "install a provider: `cfn-injector install`.",
    ),
    "CI409": Entry(
        "A rollback cannot make the previous package again",
        "A rollback deploys the package that was deployed before, from the staging bucket. It is not there any "
        "more. The provider tried to make it again from the artifact, and failed for the reason in the message.",
        "Make the artifact, parameter or secret in the message available again, and continue the rollback in "
        "CloudFormation. Or skip the resource with the command in the message. The next update brings the function "
        "to the state of its template.",
    ),
    "CI410": Entry(
        "The time ended while the provider waited",
        "AWS did not complete in time what the message names, or throttled or refused the calls until then. The "
        "last error of AWS follows, if there was one. CloudFormation rolls the stack back.",
        "Set `ServiceTimeout: 1200`, and deploy again. If AWS's error is about a role or a KMS key, correct that. "
        "If it is about throttling, let fewer resources change at once, for example with `DependsOn`.",
    ),
    "CI411": Entry(
        "CloudFormation no longer waits for the resource",
        "While the provider created the resource, its stack turned to a rollback or a deletion, or stopped waiting "
        "for it. The provider deleted again what this event had created, or created nothing.",
        "In most cases, there is nothing to do: the first error in the events of the stack is the cause of the "
        "rollback. If `ServiceTimeout` had ended, set it to 1200. Then deploy again.",
    ),
    "CI412": Entry(
        "The function or mapping of an update does not exist",
        "The event is about a function or mapping that does not exist, and CloudFormation has another one on "
        "record for this resource. Such an event is a late delivery, after the resource was replaced. Nothing was "
        "changed.",
        "Deploy the resource again. An update creates a function or mapping again that somebody deleted by hand, "
        "as long as CloudFormation has it on record.",
    ),
    "CI413": Entry(
        "Lambda could not create a function or version",
        "The function or version is in the state `Failed`. The message has Lambda's code and reason, such as a "
        "subnet without free addresses, or an error in the code that SnapStart initializes. A new function and a "
        "failed version are deleted again.",
        "Correct the cause that Lambda names, and deploy again. [Function states]"
        "(https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html) explains them.",
    ),
    "CI414": Entry(
        "Lambda could not complete an update of a function",
        "`LastUpdateStatus` of the function is `Failed`. The message has Lambda's code and reason. The function "
        "keeps running with its previous code and configuration. CloudFormation rolls the stack back.",
        "Correct the cause that Lambda names, such as a role, a KMS key, a subnet or a security group, and deploy "
        "again.",
    ),
    "CI415": Entry(
        "A function or version is being deleted or deactivated",
        "The function is `Deleting`, `Deactivating` or `Deactivated`, and does not become active again. If somebody "
        "deleted a durable function, it is `Deleting` until its executions end. The message has Lambda's reason.",
        "Wait until the function is gone, and deploy again: the provider then creates it again. If it is "
        "deactivated, do what Lambda's reason says.",
    ),
    "CI416": Entry(
        "The tags of a function cannot be read",
        "The provider decides by its tags whether a function belongs to the resource. Lambda returned the function "
        "without them, with the code in the message. Nothing was changed.",
        "The provider's stack allows `lambda:ListTags`. Check that `PermissionsBoundary` and your organization's "
        "policies do not deny it to the provider's role. Then deploy again.",
    ),
    "CI417": Entry(
        "Something else changed the code of a function meanwhile",
        "Between the update and the publishing of a version, the code became another one. The provider does not "
        "publish a version of code that it does not know. CloudFormation rolls the stack back.",
        "Find out who changed the function, for example with AWS CloudTrail, and deploy again. Let only "
        "CloudFormation change the function.",
    ),
    "CI418": Entry(
        "A Lambda@Edge function still has replicas",
        "Lambda cannot delete a function that CloudFront has replicated. CloudFront deletes the replicas [within a "
        "few hours]"
        "(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-delete-replicas.html) "
        "after the last association with a distribution is removed. The function was not deleted.",
        "Check that no distribution uses a version of the function, and delete the stack again some hours later. "
        "Or set `DeletionPolicy: Retain` on the resource, and delete the function by hand later.",
    ),
    "CI419": Entry(
        "A function cannot be adopted, because its variables cannot be decrypted",
        "Before an adoption changes a function, the provider makes sure that it can restore it. The environment "
        "variables are encrypted with a KMS key that the provider's role may not use. Nothing was changed.",
        "Allow `kms:Decrypt` on the function's key for the provider's role: add a policy with `cfn-injector "
        "install --upgrade --extra-policy-arns ARN`, and check the policy of the key. Then deploy again.",
    ),
    "CI420": Entry(
        "An adopted function cannot be restored",
        "The adoption of a function is rolled back, and the function should get its previous code and "
        "configuration. The version that holds them was deleted. The function was not changed.",
        "Restore code and configuration by hand. Then remove the function's tags that begin with `cfn-injector:`, "
        "and delete or roll back the stack again: the provider leaves a function without these tags alone.",
    ),
    "CI421": Entry(
        "The previous code of an adopted function cannot be downloaded",
        "The adoption of a function is rolled back. The provider copies the previous code from the location that "
        "Lambda gives, and could not read it within 60 seconds. The message has the kind of the error.",
        "Delete or roll back the stack again. If it fails again, check that the provider's network reaches S3.",
    ),
    "CI422": Entry(
        "An event source mapping is not in the requested state",
        "Lambda reports another state than the template requests, and did so for some twenty seconds. The message "
        "has Lambda's reason, such as a broker that cannot be reached or refuses the credentials. A new mapping is "
        "deleted again.",
        "Correct the cause that Lambda names, such as a security group, a secret or the function's role, and "
        "deploy again. If the mapping is missing or `Deleting`, somebody deleted it: deploy again.",
    ),
    "CI423": Entry(
        "A REST API cannot be deployed, because a method has no integration",
        "A deployment contains the whole API, and API Gateway refuses it while any method lacks an integration. "
        "The same methods lacked one for 120 seconds. A method that this event created is deleted again.",
        "Find methods without an integration in the console of API Gateway, and complete or delete them. If they "
        "belong to the same template, let the resource depend on them with `DependsOn`.",
    ),
    "CI424": Entry(
        "A resource on the path cannot be created",
        "API Gateway refused a resource of `Path`. The message is API Gateway's own. A part of the path is not "
        "valid, or a resource with the same parent has another variable. Or the API has the most [resources]"
        "(https://docs.aws.amazon.com/apigateway/latest/developerguide/"
        "api-gateway-execution-service-limits-table.html) that its quota allows.",
        "Correct `Path`: API Gateway allows one variable, such as `{id}`, among the resources with the same "
        "parent. If the quota is used up, request an increase, or use another API.",
    ),
}
