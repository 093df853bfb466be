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
    std::string cloud = {};      ///< "AzurePublicCloud"; empty: as that service says, else that one
    std::string vault_id = {};   ///< where somebody named it
    std::string proxy = {};      ///< Linux: "host:port" of an HTTP proxy; empty for none
    /// For all questions together, from the first one on.
    std::chrono::milliseconds time = std::chrono::seconds(20);
};

/// What the client does outside its own memory; tests put their own in.
struct Transport {
    std::function<Result<local::HttpsResponse>(const local::HttpsRequest&)> https;
    AskHttp http;  ///< the instance metadata service
    Waiting waiting = {};
};
Transport local_transport();

/// Asks Azure Resource Manager. At most four questions at once, ten retries in all; the token goes to the cloud's own
/// host alone, whatever an answer points to.
std::unique_ptr<Azure> make_azure(ClientOptions options, Transport transport = local_transport());

/// The clouds whose Resource Manager this program knows: "AzurePublicCloud", ...
std::vector<std::string> known_clouds();

/// Whether the question only reads: a GET, or one of the few actions that change nothing.
bool only_reads(const ArmQuestion& question);

}  // namespace machine::arm
