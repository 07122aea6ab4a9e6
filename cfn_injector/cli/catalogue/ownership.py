"""CI501 to CI599: functions, mappings and methods that belong to something else."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Functions, mappings and methods that belong to something else"

ENTRIES: dict[str, Entry] = {
    "CI501": Entry(
        "A property names a function or REST API of another stack",
        "An event source mapping or a method would use a function or REST API that another stack holds. By "
        "default, a stack can only use its own, and those that no stack holds. Nothing was changed.",
        "Declare the mapping or the method in the stack in the message. Or let the provider's administrator run "
        "`cfn-injector install --upgrade --allow-cross-stack`, which allows this for all stacks that use the "
        "provider.",
    ),
    "CI502": Entry(
        "An event source mapping belongs to another stack",
        "The mapping has no tags of the provider any more, and another stack holds the mapping or its function. So "
        "the provider does not change it. `AllowCrossStack` does not allow this. Nothing was changed.",
        "Let only one stack declare the mapping: remove the resource from this template. The deletion that follows "
        "does not touch the mapping.",
    ),
    "CI503": Entry(
        "A property names the provider itself",
        "A mapping or a method would invoke a provider of custom resources. Whoever can send messages to it could "
        "then send events that only CloudFormation may send. Nothing was changed.",
        "Name the function that handles the messages or requests.",
    ),
    "CI504": Entry(
        "It is unknown which stack holds a resource",
        "Before the provider touches a function, mapping or API that it did not create, it asks CloudFormation "
        "which stack holds it. CloudFormation answered with the error code in the message. Nothing was changed.",
        "Deploy again. After `AccessDenied`, check that `PermissionsBoundary` and your organization's policies "
        "allow the provider's role `cloudformation:DescribeStackResource` and "
        "`cloudformation:DescribeStackResources`.",
    ),
    "CI505": Entry(
        "A function cannot be adopted, because another stack holds it",
        "The function with the name in `FunctionName` belongs to the stack in the message. If two stacks held it, "
        "each could change or delete it. Nothing was changed.",
        "Set `DeletionPolicy: Retain` on the function in that stack, and deploy it. Remove the function from that "
        "template, and deploy it again. Then deploy this stack.",
    ),
    "CI506": Entry(
        "A function without tags is not this resource's",
        "The event names a function without the tags of the provider, and CloudFormation has another function on "
        "record for this resource. So the provider does not change it. Nothing was changed.",
        "Deploy again: such an event is a late delivery, after the resource was replaced. To take the function "
        "over, set its name in `FunctionName`, and `Adopt: true`, in a new resource.",
    ),
    "CI507": Entry(
        "The function or mapping belongs to something else now",
        "The function or mapping that CloudFormation has on record for this resource has the tags of another "
        "resource or stack. For example, another stack adopted or imported it. Nothing was changed.",
        "Set `DeletionPolicy: Retain` on the resource, deploy, and remove it from this template. If both templates "
        "need a function, let one create a function with another name.",
    ),
    "CI508": Entry(
        "A function with the name in `FunctionName` exists already",
        "The provider never takes over a function by accident. The function was created by hand or by another "
        "stack, or retained by an earlier one. Nothing was changed.",
        "Choose another `FunctionName`, or leave it out: the provider then derives a name. To take the function "
        "over, set `Adopt: true`. If nothing needs the old function, delete it.",
    ),
    "CI509": Entry(
        "All names that the provider derives are taken",
        "Without `FunctionName`, the provider derives up to 50 names from the stack and the logical ID. Functions "
        "with all of these names exist and do not belong to the resource, such as functions that earlier stacks "
        "retained.",
        "Delete the functions that are no longer needed, set `FunctionName`, or choose another logical ID.",
    ),
    "CI510": Entry(
        "An event source mapping of this source and function exists already",
        "Lambda refuses a second mapping of this source and function. The existing one was created by hand or by "
        "another resource, or retained. The provider does not take over mappings. Nothing was changed.",
        "Delete the existing mapping with `aws lambda delete-event-source-mapping --uuid UUID`, and deploy again. "
        "Lambda does not read from the source until then. Or remove the resource from the template.",
    ),
    "CI511": Entry(
        "The method exists already, and belongs to something else",
        "The REST API has a method with this path and verb. It was created by hand, by another resource or by "
        "another stack. The provider never takes over a method. Nothing was changed.",
        "Choose another `Path` or `Method`. Or delete the existing method where it was declared, and deploy again.",
    ),
    "CI512": Entry(
        "An earlier resource of this stack retained the method",
        "The REST API has a method with this path and verb, and it is marked as one of this stack and logical ID. "
        "An earlier resource of this name was removed with `DeletionPolicy: Retain`, or its deletion was skipped. "
        "Nothing was changed.",
        "Delete the method in API Gateway, and deploy again: `aws apigateway delete-method --rest-api-id API "
        "--resource-id RESOURCE --http-method VERB`.",
    ),
}
