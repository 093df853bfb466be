#include <fmt/format.h>

#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_cgroup_unavailable {

namespace {

constexpr auto missing_line = "not found in /proc/cgroups";
/// Agents from this version on continue without cgroups.
constexpr std::string_view works_without = "2.2.41";

/// Compares with the first column of /proc/cgroups.
bool has_controller(const std::string& table, std::string_view name) {
    for (std::string_view rest = table; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        if (line.substr(0, line.find('\t')) == name) return true;
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
    return false;
}

Finding diagnose(const machine::Machine& machine) {
    const auto agent = goal_state_agent_version(machine);
    if (!agent && agent.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown("version of the guest agent", agent.error());
    }
    if (!agent || compare_versions(agent->version, works_without) >= 0) {
        return Finding::not_applicable("This guest agent does not depend on control groups.");
    }
    const auto* line = machine.derived<LogEvidence>().find_current(Log::agent, missing_line);
    if (!line) {
        return Finding::healthy("The agent does not complain about control groups.",
                                {{agent->where, "agent " + agent->version, ""}});
    }
    const auto table = machine.files().read("/proc/cgroups");
    if (!table && table.error().kind != machine::ErrorKind::not_found) {
        return Finding::unknown("/proc/cgroups", table.error());
    }
    if (table && has_controller(*table, "cpu") && has_controller(*table, "memory")) {
        return Finding::healthy("The kernel has the control groups that the agent missed earlier.",
                                {line->newest.evidence(""), {"/proc/cgroups", "has cpu and memory", ""}});
    }
    return Finding::needs_operator(
        "The kernel has no cpu or memory controller, without which this old agent starts no extension.",
        {line->newest.evidence(""),
         {"/proc/cgroups", "without cpu or memory", "both"},
         {agent->where, "agent " + agent->version, fmt::format("{} or later", works_without)}},
        "Update the guest agent. " + install_advice(machine));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-cgroup-unavailable",
        .title = "An old guest agent needs control groups that this kernel does not have",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError"},
        .explanation =
            "Agents before 2.2.41 insist on the cpu and memory controllers before they start an extension; kernels "
            "such as CloudLinux's do not show them in /proc/cgroups. A newer agent goes on without.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/1390",
        .signals = {proof(Log::agent, missing_line)},
        .consequences = {"backup-extension-state", "agent-too-old"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::agent_cgroup_unavailable
