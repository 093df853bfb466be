#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// A question to Azure Resource Manager that changes nothing.
struct ArmQuestion {
    /// The id of a resource, of a collection, or of an action that only reads:
    /// "/subscriptions/<id>/resourceGroups/...".
    std::string path;
    /// The members of the answer to keep: "properties.vmId", "properties.statuses.code" (lists are searched). All
    /// others are dropped on arrival, so that neither memory nor a capture holds tags, user data or somebody's
    /// settings.
    std::vector<std::string> members;
    std::vector<std::pair<std::string, std::string>> query = {};  ///< "$expand"; never the API version
    std::string method = "GET";                                   ///< or POST, for the few actions that only read
    std::string body = {};                                        ///< JSON, of a POST
    bool is_list = false;  ///< the answer is a list in pages; `members` are those of its elements
};

/// The answer of Resource Manager; it may be a refusal.
struct ArmAnswer {
    unsigned status = 0;              ///< of HTTP
    boost::json::value body = {};     ///< the wanted members; an array for a list question; null for a refusal
    std::string code = {};            ///< of a refusal: "AuthorizationFailed"
    std::string message = {};         ///< of a refusal: always English
    std::string correlation_id = {};  ///< of a refusal: Azure's support asks for it

    bool is_refusal() const { return status >= 400; }
};

/// The same for two questions only where their answers are: for who keeps answers.
std::string key_of(const ArmQuestion& question);

/// The identity, cloud and VM of the questions. It holds no secret.
struct AzureAccess {
    std::string identity;  ///< "the VM's managed identity", "a person's token"
    bool is_of_vm = true;  ///< everybody in the VM can use this identity: it must never do anything that loses data
    std::string cloud;     ///< "AzurePublicCloud", as Azure's metadata names it
    std::string vm_id;     ///< resource id of the VM in question; empty where it is a whole vault
    std::string location;  ///< of that VM, "westeurope"; empty where it is not known
    std::string vault_id;  ///< resource id of its vault; empty where nobody named one

    friend bool operator==(const AzureAccess&, const AzureAccess&) = default;
};

/// Azure's own view of the VM. The base class asks nothing: it sends no packet.
class Azure {
public:
    virtual ~Azure() = default;

    /// ErrorKind::unsupported where Azure must not be asked. Any other error says why it could not be asked.
    virtual Result<AzureAccess> access() const;

    /// Asks each question once; later calls return the answer from memory. ErrorKind::invalid for a question that could
    /// change something; timed_out when the time of the look is over, or when Azure asks to wait longer than that.
    virtual Result<ArmAnswer> ask(const ArmQuestion& question) const;

    /// The same for a list that may be too long to hold: `take` gets page after page, of which nothing is kept. The
    /// answer has no body. ErrorKind::invalid for a question that is no list.
    virtual Result<ArmAnswer> ask_in_pages(const ArmQuestion& question,
                                           const std::function<void(const boost::json::array& page)>& take) const;

    /// How long Azure wants to be left in peace from now on, as it said with its last refusal (HTTP 429).
    virtual std::chrono::milliseconds silence_wanted() const;

    /// Forgets all answers and begins a new look with its full time, for a caller that waits for something.
    virtual void look_anew();

    /// Sends one of the few requests that change something (arm/arm_change.hpp), and follows it to its end. Earlier
    /// answers are forgotten. ErrorKind::invalid for any other request; refused where only a person's token may do it.
    virtual Result<ArmAnswer> change(const ArmQuestion& request);
};

}  // namespace machine
