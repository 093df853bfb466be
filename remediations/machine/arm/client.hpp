#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "remediations/machine/arm/identity.hpp"
#include "remediations/machine/azure.hpp"
#include "remediations/machine/local/https.hpp"

namespace machine::arm {

struct ClientOptions {
    Secret token = {};           ///< a person's; empty: the VM's managed identity is used
    std::string client_id = {};  ///< of a user-assigned identity; empty for the only one
    std::string vm_id = {};      ///< resource id; empty: this VM's, as the instance metadata service names it
    bool is_of_vault = false;    ///< no VM is looked at but the vault: the access names none
    std::string cloud = {};      ///< "AzurePublicCloud"; empty: as that service says, else that one
    std::string vault_id = {};   ///< where somebody named it
    std::string proxy = {};      ///< Linux: "host:port" of an HTTP proxy; empty for none
    /// For all questions together, from the first one on.
    std::chrono::milliseconds time = std::chrono::seconds(20);
    unsigned retries = 10;  ///< of all questions together
    /// One question waits no longer before its next try: where Azure wants more, it ends as timed_out.
    std::chrono::milliseconds longest_pause = std::chrono::seconds(20);
    /// Whether an answer is kept for the next who asks; by default all are. For looks at more than memory should hold.
    std::function<bool(const ArmQuestion&)> keeps = [](const ArmQuestion&) { return true; };
};

/// What the client does outside its own memory; tests put their own in.
struct Transport {
    std::function<Result<local::HttpsResponse>(const local::HttpsRequest&)> https;
    AskHttp http;  ///< the instance metadata service
    Waiting waiting = {};
};
Transport local_transport();

/// Asks Azure Resource Manager. At most four questions at once. It slows down where Azure says that few
/// questions are left to this identity, and asks nothing while Azure wants silence. The token goes to the cloud's own
/// host alone, whatever an answer points to.
std::unique_ptr<Azure> make_azure(ClientOptions options, Transport transport = local_transport());

/// The clouds whose Resource Manager this program knows: "AzurePublicCloud", ...
std::vector<std::string> known_clouds();

/// Whether the question only reads: a GET, or one of the few actions that change nothing.
bool only_reads(const ArmQuestion& question);

}  // namespace machine::arm
