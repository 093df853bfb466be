#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <utility>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// A question to Azure Resource Manager that changes nothing.
struct ArmQuestion {
    /// A resource's id, or one of its collections or reading actions: "/subscriptions/<id>/resourceGroups/...".
    std::string path;
    /// What is kept of the answer: "properties.vmId", "properties.statuses.code" (lists are looked through). All else
    /// is dropped on arrival, so that neither memory nor a capture has tags, user data or somebody's settings.
    std::vector<std::string> members;
    std::vector<std::pair<std::string, std::string>> query = {};  ///< "$expand"; never the version
    std::string method = "GET";                                   ///< or POST, for the few actions that only read
    std::string body = {};                                        ///< JSON, of a POST
    bool is_list = false;  ///< the answer is a list in pages: `members` are those of its elements
};

/// What Resource Manager answered, refusals included.
struct ArmAnswer {
    unsigned status = 0;              ///< of HTTP
    boost::json::value body = {};     ///< the wanted members; of a list question an array; null for a refusal
    std::string code = {};            ///< of a refusal: "AuthorizationFailed"
    std::string message = {};         ///< of a refusal: localized for nobody, English
    std::string correlation_id = {};  ///< of a refusal: what Azure's support asks for

    bool is_refusal() const { return status >= 400; }
};

/// As whom, and where, Azure is asked. No secret is in it.
struct AzureAccess {
    std::string identity;  ///< "the VM's managed identity", "a person's token"
    bool is_of_vm = true;  ///< everybody in the VM has this identity: it may never be used for what loses data
    std::string cloud;     ///< "AzurePublicCloud", as Azure's metadata names it
    std::string vm_id;     ///< resource id of the VM that is looked at
    std::string location;  ///< of that VM, "westeurope"; empty where it is not known
    std::string vault_id;  ///< resource id of its vault, where somebody named one; else empty

    friend bool operator==(const AzureAccess&, const AzureAccess&) = default;
};

/// Azure's own view of the VM. The class itself is a machine that asks nothing: not one packet leaves.
class Azure {
public:
    virtual ~Azure() = default;

    /// ErrorKind::unsupported where Azure is not to be asked; any other error says why it could not be.
    virtual Result<AzureAccess> access() const;

    /// Answers once for each question, from then on out of memory. ErrorKind::invalid for a question that could change
    /// something; timed_out when the look's time is over or Azure asks to wait longer than it lasts.
    virtual Result<ArmAnswer> ask(const ArmQuestion& question) const;

    /// What was answered is forgotten, and a new look begins with all its time: for who waits for something.
    virtual void look_anew();

    /// One of the few requests that change something (arm/arm_change.hpp), followed to its end. What was answered
    /// before is forgotten. ErrorKind::invalid for any other request; refused where only a
    /// person's token may do it.
    virtual Result<ArmAnswer> change(const ArmQuestion& request);
};

}  // namespace machine
