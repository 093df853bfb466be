#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace service_codes {

constexpr auto again = "Back up again later; if it stays, open a support request.";
constexpr auto clock_or_url = "The clock of the VM; then restart the agent, so that it fetches fresh addresses.";
constexpr auto network_rule = "Firewall and virtual networks of the storage account; a private endpoint.";
constexpr auto right = "The role of whoever asks, at the scope that the message names.";
constexpr auto disks_of_vm = "Disks attached or detached since the last backup; az vm reapply, then back up again.";

// Storage: learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes and blob-service-error-codes.
// The host: what the agent's and the extension's sources and public reports name. Resource Manager: its documentation.
constexpr NameRow rows[] = {
    {"AccountIsDisabled", "The storage account is disabled.", "", network_rule},
    {"AnotherOperationInProgress", "Another operation on the resource runs.", "", again},
    {"AuthenticationFailed", "The signature of the request is not accepted.",
     "The signed address has expired, or the clock of the VM is wrong.", clock_or_url},
    {"AuthorizationFailed", "Whoever asks has no right to do it.", "", right},
    {"AuthorizationFailure", "The request is not allowed.", "A network rule of the storage account.", network_rule},
    {"AuthorizationPermissionMismatch", "The signed address does not allow this.", "", clock_or_url},
    {"AuthorizationProtocolMismatch", "The signed address does not allow this protocol."},
    {"AuthorizationSourceIPMismatch", "The signed address does not allow this sender.", "", network_rule},
    {"BadRequest", "The request is not valid.", "The host does not know the disks or the task named in it.",
     disks_of_vm},
    {"BlobNotFound", "The blob does not exist.", "The package is not there in this region, or was removed.", again},
    {"ConditionNotMet", "The blob changed meanwhile.", "", again},
    {"Conflict", "Another operation on the same thing runs.", "A snapshot of one of the disks is in progress.", again},
    {"ContainerNotFound", "The container does not exist.", "The package or status container is gone.", again},
    {"ExpiredAuthenticationToken", "The token has expired.", "", "The clock."},
    {"Forbidden", "The request is refused.", "", right},
    {"InternalError", "The service failed.", "A fault of the platform.", again},
    {"InternalServerError", "The service failed.", "A fault of the platform: the VM has done its part.", again},
    {"InvalidAuthenticationInfo", "The form of the identity is wrong.", "", clock_or_url},
    {"InvalidAuthenticationToken", "The token is not valid.", "", "The clock; log in again."},
    {"InvalidContainerConfiguration", "The agent asks with the id of a container that the host no longer has.",
     "The VM was moved to another host and the agent kept the old id.", "Restart the guest agent."},
    {"InvalidHeaderValue", "A header of the request has a wrong value."},
    {"InvalidQueryParameterValue", "A parameter of the request has a wrong value."},
    {"InvalidUri", "The address is not valid."},
    {"KeyBasedAuthenticationNotPermitted", "The storage account allows no keys.", "", network_rule},
    {"LeaseIdMissing", "The blob is leased by somebody.", "", again},
    {"LinkedAuthorizationFailed", "Whoever asks has no right on a linked resource.", "", right},
    {"MissingSubscriptionRegistration", "The subscription has not registered the resource provider.", "",
     "az provider register --namespace of the one named."},
    {"NoRegisteredProviderFound", "The API version is not supported there."},
    {"NotFound", "It does not exist."},
    {"OperationNotAllowed", "The operation is not allowed now.", "The VM changes, is throttled, or forbids extensions.",
     again},
    {"OperationPreempted", "A newer operation on the VM took its place.", "", again},
    {"OperationTimedOut", "The service did not finish in time.", "Storage is busy.", again},
    {"OutOfRangeInput", "A value is out of range."},
    {"PendingCopyOperation", "The blob is being copied.", "", again},
    {"PublicAccessNotPermitted", "The storage account allows no anonymous access.", "", network_rule},
    {"RequestBodyTooLarge", "The request is too large."},
    {"RequestDisallowedByPolicy", "An Azure Policy forbids it.", "", "The policy assignment that the message names."},
    {"RequestRoleConfigFileNotFound", "The host has no configuration for this VM any more.",
     "The agent asks with an outdated configuration name.", "Restart the guest agent."},
    {"ResourceGroupNotFound", "The resource group does not exist."},
    {"ResourceNotFound", "The resource does not exist.", "The blob, disk or VM was deleted or moved.", again},
    {"RetryableErrorDueToAnotherOperation", "Another operation runs.", "", again},
    {"ScopeLocked", "A resource lock forbids it.", "",
     "Locks of the scope that the message names, inherited ones too."},
    {"ServerBusy", "The service is busy.", "Storage is throttled.", again},
    {"SnaphotOperationRateExceeded", "Snapshots of a blob were asked for too fast.",
     "Another product takes snapshots of the same disks.", again},
    {"SnapshotCountExceeded", "A blob has as many snapshots as it may have.",
     "Another product keeps snapshots of the same disks.", "Snapshots of the disks; delete old ones."},
    {"SnapshotOperationRateExceeded", "Snapshots of a blob were asked for too fast.",
     "Another product takes snapshots of the same disks.", again},
    {"SubscriptionNotFound", "The subscription does not exist, or not for this identity."},
    {"TooManyRequests", "There are too many requests.", "", again},
    {"invalid_request", "The request is not valid.", "No such identity is assigned to this VM."},
    {"unauthorized_client", "The identity may not be used here."},
};

}  // namespace service_codes

std::span<const NameRow> service_code_rows() {
    return service_codes::rows;
}

}  // namespace remediations
