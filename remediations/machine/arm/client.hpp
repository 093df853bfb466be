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
    Secret token = {};           ///< a person's token; empty: the VM's managed identity is used
    std::string client_id = {};  ///< of a user-assigned identity; empty where the VM has only one identity
    std::string vm_id = {};      ///< resource id; empty: this VM's, from the instance metadata service
    bool is_of_vault = false;    ///< the look is at the vault: the access names no VM
    std::string cloud = {};      ///< "AzurePublicCloud"; empty: as that service says, else "AzurePublicCloud"
    std::string vault_id = {};   ///< resource id of the vault; empty where nobody named one
    std::string proxy = {};      ///< Linux: "host:port" of an HTTP proxy; empty for none
    /// Time limit for all questions together; it starts with the first one.
    std::chrono::milliseconds time = std::chrono::seconds(20);
    unsigned retries = 10;  ///< of all questions together
    /// One question waits no longer before its next try: where Azure wants more, it ends as timed_out.
    std::chrono::milliseconds longest_pause = std::chrono::seconds(20);
    /// Whether an answer is kept for the next who asks; by default all are. For looks at more than memory should hold.
    std::function<bool(const ArmQuestion&)> keeps = [](const ArmQuestion&) { return true; };
};

/// The client's connections and clock. Tests use their own.
struct Transport {
    std::function<Result<local::HttpsResponse>(const local::HttpsRequest&)> https;
    AskHttp http;  ///< the instance metadata service
    Waiting waiting = {};
};
Transport local_transport();

/// Creates a client of Azure Resource Manager. It asks at most four questions at once and retries at most
/// options.retries times in all. The token is sent only to the cloud's own host, whatever an answer points to.
std::unique_ptr<Azure> make_azure(ClientOptions options, Transport transport = local_transport());

/// Returns the names of the clouds whose Resource Manager this program knows: "AzurePublicCloud", ...
std::vector<std::string> known_clouds();

/// Returns true if the question only reads: a GET without a body, or a POST to one of the few actions that change
/// nothing.
bool only_reads(const ArmQuestion& question);

}  // namespace machine::arm
