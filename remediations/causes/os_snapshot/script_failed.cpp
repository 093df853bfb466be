#include <fmt/format.h>

#include <algorithm>

#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/knowledge/snapshot/script_framework.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::script_failed {

namespace {

/// A run of a script ends with one of these lines: "... successfully executed.", "... timed out." or "... failed with
/// error code: 1 ." The lines at its beginning spell them with a lower-case letter.
constexpr auto pre_result = "Prescript for ";
constexpr auto post_result = "Postscript for ";

struct Outcome {
    const LogMatch* match = nullptr;
    bool timed_out = false;
    std::string code;
};

Outcome outcome_of(const machine::Machine& machine, const char* pattern) {
    const auto& log = machine.derived<LogEvidence>();
    const auto* match = log.find(Log::extension, pattern);
    if (match == nullptr) return {};
    // A backup without its scripts succeeds too; so only a newer run can make the line history.
    const auto* newest = log.newest_attempt();
    if (newest && newest->started && !belongs_to(match->newest, *newest)) return {};
    const auto& text = match->newest.text;
    if (text.find("timed out") != std::string::npos) return {match, true, {}};
    constexpr std::string_view before_code = "failed with error code: ";
    const auto at = text.find(before_code);
    if (at == std::string::npos) return {};
    const auto start = at + before_code.size();
    return {match, false, text.substr(start, text.find_first_of(" .", start) - start)};
}

Finding examine_last_backup(const machine::Machine& machine) {
    const auto host = read_plugin_host(machine);
    const auto file = host ? host->script_configuration : machine::Path(usual_script_configuration);
    const auto scripts = read_scripts(machine, file);
    if (!scripts) {
        if (scripts.error().kind != machine::ErrorKind::not_found) return Finding::unknown(file, scripts.error());
        return Finding::not_applicable("No scripts are to run before and after the snapshot.");
    }
    const auto pre = outcome_of(machine, pre_result);
    const auto post = outcome_of(machine, post_result);
    if (pre.match == nullptr && post.match == nullptr) {
        return Finding::healthy("No script failed in the last backup.");
    }
    const auto& configuration = scripts->configuration;
    std::vector<Evidence> evidence;
    std::string what;
    std::string action;
    for (const auto& [role, outcome, path] :
         {std::tuple{"pre", &pre, configuration ? configuration->pre_script : ""},
          std::tuple{"post", &post, configuration ? configuration->post_script : ""}}) {
        if (outcome->match == nullptr) continue;
        evidence.push_back(outcome->match->newest.evidence("successfully executed"));
        what += fmt::format("{}the {} script {}", what.empty() ? "" : ", and ", role,
                            outcome->timed_out ? "ran too long" : fmt::format("ended with code {}", outcome->code));
        if (!outcome->timed_out) {
            action += fmt::format("Run `sh {}` as root and correct what makes it end with {}. ", path, outcome->code);
            continue;
        }
        const auto limit = configuration ? configuration->timeout_seconds : 0;
        evidence.push_back(
            {file, fmt::format("timeoutInSeconds {:.0f}", limit), "longer than the script takes, 1800 at most"});
        action += fmt::format(
            "Measure how long `sh {}` takes as root; make it faster, or raise timeoutInSeconds in {} (now {:.0f}). ",
            path, file, limit);
    }
    action.pop_back();
    return weighed_as_script_fault(
        Finding::needs_operator(fmt::format("In the last backup {}.", what), std::move(evidence), action),
        configuration, machine);
}

Finding diagnose(const machine::Machine& machine) {
    auto finding = examine_last_backup(machine);
    finding.basis = Basis::last_run;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "script-failed",
        .title = "A script before or after the snapshot fails",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"Pre-ScriptExecutionFailed", "Post-ScriptExecutionFailed", "Pre-ScriptTimeout",
                        "Post-ScriptTimeout", "ExtensionPreScriptTimeout", "300", "301", "308", "309", "310", "311"},
        .explanation =
            "The extension runs both scripts with sh, each for timeoutInSeconds at most (10 if unset, 1800 at most). A "
            "code other than 0 or a script that takes longer makes the backup merely consistent for the file system, "
            "or makes it fail where continueBackupOnFailure or fsFreezeEnabled is false. The scripts are the "
            "administrator's and are not changed.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-linux-app-consistent",
        .signals = {judged(Log::extension, pre_result),
                    judged(Log::extension, post_result),
                    {.role = Role::proof, .line = {Log::extension, pre_result}, .with = {"timed out"}},
                    {.role = Role::proof, .line = {Log::extension, pre_result}, .with = {"failed with error code"}},
                    {.role = Role::proof, .line = {Log::extension, post_result}, .with = {"timed out"}},
                    {.role = Role::proof, .line = {Log::extension, post_result}, .with = {"failed with error code"}},
                    {.role = Role::proof, .results = {300, 301, 308, 309, 310, 311}}},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::script_failed
