#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_policy {

namespace json = boost::json;

namespace {

constexpr auto refused_line = "because it is not specified as an allowed extension";
constexpr auto invalid_line = "Customer-provided policy file (";

/// Why the policy lets the backup extension not run; empty where it does.
std::string reason_in(const std::string& text) {
    boost::system::error_code error;
    const auto document = json::parse(text, error, {}, {.max_depth = 16});
    if (error) return "not JSON: " + error.message();
    const auto* policy = document.if_object();
    if (!policy) return "not a JSON object";
    const auto* version = policy->if_contains("policyVersion");
    if (!version || !version->is_string()) return "without policyVersion";
    const auto* extensions = policy->if_contains("extensionPolicies");
    if (!extensions || extensions->is_null()) return {};
    const auto* rules = extensions->if_object();
    if (!rules) return "extensionPolicies is not an object";
    const auto* only_listed = rules->if_contains("allowListedExtensionsOnly");
    if (!only_listed || only_listed->is_null()) return {};
    if (!only_listed->is_bool()) return "allowListedExtensionsOnly is neither true nor false";
    if (!only_listed->get_bool()) return {};
    const auto name = backup_extension_name(machine::Platform::linux);
    const auto* list = rules->if_contains("extensions");
    const auto* listed = list ? list->if_object() : nullptr;
    for (const auto& entry : listed ? *listed : json::object()) {
        if (boost::iequals(std::string_view(entry.key()), name)) return {};
    }
    return fmt::format("allows listed extensions only, and {} is not listed", name);
}

Finding diagnose(const machine::Machine& machine) {
    const auto configuration = AgentConfiguration::read(machine);
    if (!configuration && configuration.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!configuration) return Finding::unknown("/etc/waagent.conf", configuration.error());
    if (!configuration->is_on("Debug.EnableExtensionPolicy", false)) {
        return Finding::not_applicable("The guest agent enforces no extension policy.");
    }
    const auto path = configuration->text_of("Policy.PolicyFilePath", "/etc/waagent_policy.json");
    const auto text = machine.files().read(path);
    if (!text && text.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no extension policy.");
    }
    if (!text) return Finding::unknown(path, text.error());
    const auto reason = reason_in(*text);
    if (reason.empty())
        return Finding::healthy("The extension policy allows the backup extension.", {{path, "allows it", ""}});

    std::vector<Evidence> evidence{
        {path, reason, fmt::format("lists {}", backup_extension_name(machine::Platform::linux))}};
    for (const auto* line_text : {refused_line, invalid_line}) {
        if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, line_text)) {
            evidence.push_back(line->newest.evidence(""));
        }
    }
    return Finding::needs_operator(
        "The extension policy of this machine does not let the backup extension run.", std::move(evidence),
        fmt::format("Whoever is responsible for the policy adds \"{}\": {{}} to extensionPolicies.extensions in {} and "
                    "restarts the guest agent.",
                    backup_extension_name(machine::Platform::linux), path));
}

}  // namespace

extern const Remediation remediation{
    .id = "extension-policy",
    .title = "A policy on this machine forbids the backup extension",
    .layer = Layer::guest_agent,
    .scope = Scope::linux,
    .error_codes = {"GuestAgentSnapshotTaskStatusError", "VMExtensionProvisioningError"},
    .explanation =
        "With Debug.EnableExtensionPolicy=y the agent runs only what /etc/waagent_policy.json allows; a policy it "
        "cannot understand stops every extension. Such a policy is somebody's decision, so it is not changed here.",
    .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/ga/policy/policy_engine.py",
    .log_lines = {{Log::agent, refused_line}, {Log::agent, invalid_line}},
    .consequences = {"backup-extension-state"},
    .diagnose = diagnose,
};

}  // namespace remediations::causes::extension_policy
