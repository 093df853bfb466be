#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/json.hpp>
#include <optional>

#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/handler_refusal.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_policy {

namespace json = boost::json;

namespace {

constexpr auto refused_line = "because it is not specified as an allowed extension";
constexpr auto invalid_line = "Customer-provided policy file (";
constexpr auto signature_line = "because policy specifies that extension must be signed";

/// The highest policyVersion that agents up to 2026 accept.
constexpr std::uint64_t highest_version[] = {0, 1, 0};

/// A fault of a policy, and what the owner of the policy has to change.
struct PolicyFault {
    std::string what;
    std::string change;
};

PolicyFault not_valid(std::string what) {
    return {std::move(what), "Correct the policy"};
}

/// Accepts "1", "1.0" or "1.0.0", up to the highest version.
std::optional<PolicyFault> fault_of_version(std::string_view version) {
    std::vector<std::string> parts;
    boost::split(parts, version, boost::is_any_of("."));
    const auto is_number = [](const std::string& part) {
        return !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
    };
    if (parts.size() > 3 || !std::ranges::all_of(parts, is_number)) {
        return not_valid(fmt::format("policyVersion \"{}\" is not of the form 0.1.0", printable(version)));
    }
    for (std::size_t index = 0; index < std::size(highest_version); ++index) {
        const auto number = index < parts.size() ? std::stoull(parts[index]) : 0;
        if (number < highest_version[index]) return std::nullopt;
        if (number > highest_version[index]) {
            return not_valid(fmt::format("policyVersion {} is newer than the agent knows; use 0.1.0", version));
        }
    }
    return std::nullopt;
}

std::optional<PolicyFault> unknown_attribute(const json::object& object, std::string_view name,
                                             std::initializer_list<std::string_view> known) {
    for (const auto& entry : object) {
        if (std::ranges::find(known, std::string_view(entry.key())) == known.end()) {
            return not_valid(fmt::format("{} has an attribute that the agent does not know: {}", name,
                                         printable(std::string_view(entry.key()))));
        }
    }
    return std::nullopt;
}

/// Returns nullptr for a missing value and for null, which both mean the default.
const json::value* given(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value && !value->is_null() ? value : nullptr;
}

std::optional<PolicyFault> not_boolean(const json::object& object, std::string_view place, std::string_view name) {
    const auto* value = given(object, name);
    if (!value || value->is_bool()) return std::nullopt;
    return not_valid(fmt::format("{}.{} is neither true nor false", place, name));
}

/// Returns why the policy does not let the backup extension run; nullopt where it does. One wrong word anywhere stops
/// every extension.
std::optional<PolicyFault> fault_in(const std::string& text) {
    boost::system::error_code error;
    const auto document = json::parse(text, error, {}, {.max_depth = 16});
    if (error) return not_valid("it is not JSON: " + error.message());
    const auto* policy = document.if_object();
    if (!policy) return not_valid("it is not a JSON object");
    if (auto fault = unknown_attribute(*policy, "the policy", {"policyVersion", "extensionPolicies"})) return fault;
    const auto* version = given(*policy, "policyVersion");
    if (!version || !version->is_string()) return not_valid("policyVersion is missing or no text");
    if (auto fault = fault_of_version(version->get_string())) return fault;
    const auto* extensions = given(*policy, "extensionPolicies");
    if (!extensions) return std::nullopt;
    const auto* rules = extensions->if_object();
    if (!rules) return not_valid("extensionPolicies is not an object");
    if (auto fault = unknown_attribute(*rules, "extensionPolicies",
                                       {"allowListedExtensionsOnly", "signatureRequired", "extensions"})) {
        return fault;
    }
    for (const auto* name : {"allowListedExtensionsOnly", "signatureRequired"}) {
        if (auto fault = not_boolean(*rules, "extensionPolicies", name)) return fault;
    }
    const auto* list = given(*rules, "extensions");
    if (list && !list->is_object()) return not_valid("extensionPolicies.extensions is not an object");
    const auto name = backup_extension_name(machine::Platform::linux);
    bool is_listed = false;
    for (const auto& entry : list ? list->get_object() : json::object()) {
        const auto place = "extensionPolicies.extensions." + printable(std::string_view(entry.key()));
        const auto* rule = entry.value().if_object();
        if (!rule) return not_valid(place + " is not an object");
        if (auto fault = unknown_attribute(*rule, place, {"signatureRequired", "runtimePolicy"})) return fault;
        if (auto fault = not_boolean(*rule, place, "signatureRequired")) return fault;
        is_listed = is_listed || boost::iequals(std::string_view(entry.key()), name);
    }
    const auto* only_listed = given(*rules, "allowListedExtensionsOnly");
    if (!only_listed || !only_listed->get_bool() || is_listed) return std::nullopt;
    return PolicyFault{fmt::format("it allows listed extensions only, and {} is not listed", name),
                       fmt::format("Add \"{}\": {{}} to extensionPolicies.extensions", name)};
}

/// Returns the fault in the agent's own message about the backup extension. Agents of 2025 do not enforce signatures,
/// later ones do.
std::optional<PolicyFault> fault_told_by_agent(const HandlerRefusal& refusal) {
    if (refusal.what != HandlerRefusal::What::policy) return std::nullopt;
    const auto name = backup_extension_name(machine::Platform::linux);
    if (boost::icontains(refusal.message, "signed") || boost::icontains(refusal.message, "signature")) {
        return PolicyFault{
            "it demands that extensions are signed, and the package of the backup extension has no valid signature",
            fmt::format("Set \"signatureRequired\": false for \"{}\" in extensionPolicies.extensions", name)};
    }
    if (boost::icontains(refusal.message, "invalid")) return not_valid("the agent cannot take it");
    return PolicyFault{"the agent refuses the backup extension because of it",
                       fmt::format("Allow \"{}\" in extensionPolicies.extensions", name)};
}

Finding forbidden(const machine::Machine& machine, const std::string& path, const PolicyFault& fault,
                  std::vector<Evidence> evidence) {
    for (const auto* line_text : {refused_line, invalid_line, signature_line}) {
        if (const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, line_text)) {
            evidence.push_back(line->newest.evidence(""));
        }
    }
    return Finding::needs_operator(
        fmt::format("The extension policy {} does not let the backup extension run: {}.", path, fault.what),
        std::move(evidence),
        fmt::format("{} in the policy file {} and restart the guest agent. Whoever is responsible for the policy "
                    "decides that.",
                    fault.change, path));
}

Finding diagnose(const machine::Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    const auto installed = installed_backup_extension(machine);
    const auto refusal = installed ? handler_refusal(*installed) : std::nullopt;
    const auto told = refusal ? fault_told_by_agent(*refusal) : std::nullopt;
    constexpr auto usual_path = "/etc/waagent_policy.json";
    if (!configuration && told) return forbidden(machine, usual_path, *told, {refusal->evidence});
    if (!configuration && configuration.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!configuration) return Finding::unknown("/etc/waagent.conf", configuration.error());
    if (!configuration->is_on("Debug.EnableExtensionPolicy", false)) {
        return Finding::not_applicable("The guest agent enforces no extension policy.");
    }
    const auto path = configuration->text_of("Policy.PolicyFilePath", usual_path);
    const auto text = machine.files().read(path);
    if (!text && text.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("There is no extension policy.");
    }
    const auto fault = text ? fault_in(*text) : std::nullopt;
    if (fault) {
        std::vector<Evidence> evidence{
            {path, fault->what, fmt::format("lets {} run", backup_extension_name(machine::Platform::linux))}};
        if (told) evidence.push_back(refusal->evidence);
        return forbidden(machine, path, *fault, std::move(evidence));
    }
    if (told) {
        // A fault that was corrected since does not count.
        const auto status = machine.files().status(path);
        const auto reported = installed->folders.back().handler_reported;
        const bool is_newer = status && status->modified > reported &&
                              reported != std::chrono::system_clock::time_point{} &&
                              !boost::icontains(refusal->message, "sign");
        if (!is_newer) return forbidden(machine, path, *told, {refusal->evidence});
    }
    if (!text) return Finding::unknown(path, text.error());
    return Finding::healthy("The extension policy allows the backup extension.", {{path, "allows it", ""}});
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-policy",
        .title = "A policy on this machine forbids the backup extension",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "VMExtensionProvisioningError"},
        .explanation =
            "With Debug.EnableExtensionPolicy=y the agent runs only what /etc/waagent_policy.json allows; a policy it "
            "cannot understand, with an attribute, a type or a version it does not know, stops every extension. Where "
            "the policy demands signatures, an agent that enforces them refuses an extension without one. Such a "
            "policy is somebody's decision, so it is not changed here.",
        .source = "https://github.com/Azure/WALinuxAgent/blob/master/azurelinuxagent/ga/policy/policy_engine.py",
        .signals = {judged(Log::agent, refused_line),
                    judged(Log::agent, signature_line),
                    {.role = Role::proof,
                     .line = {Log::agent, refused_line},
                     .with = {"VMSnapshotLinux"},
                     .heals_unsaid = true},
                    {.role = Role::proof, .line = {Log::agent, invalid_line}, .heals_unsaid = true},
                    {.role = Role::proof,
                     .line = {Log::agent, signature_line},
                     .with = {"VMSnapshotLinux"},
                     .heals_unsaid = true}},
        .consequences = {"backup-extension-state", "extension-error", "extension-not-installed-yet"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_policy
