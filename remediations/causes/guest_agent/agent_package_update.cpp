#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_package.hpp"
#include "remediations/knowledge/agent/agent_service.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_package_update {

using machine::Command;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto lists_timeout = std::chrono::minutes(2);
constexpr auto update_timeout = std::chrono::minutes(5);

bool is_apt(const AgentPackage& package) {
    return package.manager.ends_with("/apt-get");
}

bool is_zypper(const AgentPackage& package) {
    return package.manager.ends_with("/zypper");
}

/// Returns "2.7.3.0-4.1" after "  Installed: ".
std::string field(std::string_view text, std::string_view name) {
    const auto start = text.find(name);
    if (start == text.npos) return {};
    const auto value = text.substr(start + name.size());
    return std::string(boost::algorithm::trim_copy(value.substr(0, value.find('\n'))));
}

bool has_line_starting_with(std::string_view text, std::string_view start) {
    return text.starts_with(start) || text.find("\n" + std::string(start)) != text.npos;
}

struct Offer {
    bool is_installed = true;
    bool is_newer = false;
    Evidence evidence;
};

/// Asks the package manager, which may ask the distribution's repositories.
Result<Offer> offer_of(const Machine& machine, const AgentPackage& package) {
    const auto command =
        is_apt(package) ? Command("/usr/bin/apt-cache", {"policy", package.name})
        : is_zypper(package)
            ? Command(package.manager, {"--non-interactive", "--xmlout", "list-updates"}, lists_timeout)
            : Command(package.manager, {"-q", "check-update", package.name}, lists_timeout);
    const auto output = machine.processes().query(command);
    if (!output) return output.error();
    constexpr int updates_are_there = 100;
    if (output->exit_code != 0 && output->exit_code != updates_are_there) {
        return machine::Error::failed(fmt::format("{} ended with exit code {}: {}", command.program, output->exit_code,
                                                  output->err.substr(0, 300)),
                                      output->exit_code);
    }
    Offer offer;
    if (is_apt(package)) {
        const auto installed = field(output->out, "Installed: ");
        const auto candidate = field(output->out, "Candidate: ");
        offer.is_installed = !installed.empty() && installed != "(none)";
        offer.is_newer = offer.is_installed && !candidate.empty() && candidate != "(none)" && candidate != installed;
        offer.evidence = {"package " + package.name, "installed: " + installed, candidate};
    } else {
        offer.is_newer = is_zypper(package)
                             ? output->out.find(fmt::format("name=\"{}\"", package.name)) != std::string::npos
                             : has_line_starting_with(output->out, package.name);
        offer.evidence = {"package " + package.name, offer.is_newer ? "an update is there" : "no update", "no update"};
    }
    return offer;
}

Finding diagnose(const Machine& machine) {
    const auto package = agent_package(machine);
    if (!package) return Finding::not_applicable("There is no package manager that is known here.");
    const auto offer = offer_of(machine, *package);
    if (!offer) return Finding::unknown("package " + package->name, offer.error());
    if (!offer->is_installed) {
        return Finding::not_applicable(
            fmt::format("The guest agent was not installed from package {}.", package->name));
    }
    if (!offer->is_newer) {
        return Finding::healthy(fmt::format("Package {} is the newest that the distribution offers.", package->name),
                                {offer->evidence});
    }
    return Finding::broken(fmt::format("The distribution offers a newer package {}.", package->name), {offer->evidence},
                           fmt::format("Update it, as root: {}", package->install_command))
        .as_risk();
}

Result<void> fix(const Finding&, Changes& changes) {
    const auto package = agent_package(changes.machine());
    if (!package) return package.error();
    const auto effect = fmt::format("updates package {} from the distribution's repositories", package->name);
    auto update = Command(package->manager, {"-y", "update", package->name}, update_timeout);
    if (is_zypper(*package)) update.arguments = {"--non-interactive", "update", package->name};
    if (is_apt(*package)) {
        const auto lists = changes.run_tool({package->manager, {"-q", "update"}, lists_timeout}, "reads package lists");
        if (!lists) return lists;
        // Keeps an edited waagent.conf, because nobody is there to be asked.
        update = Command("/usr/bin/env",
                         {"DEBIAN_FRONTEND=noninteractive", package->manager, "-q", "-y", "-o",
                          "Dpkg::Options::=--force-confold", "install", "--only-upgrade", package->name},
                         update_timeout);
    }
    if (auto updated = changes.run_tool(update, effect); !updated) return updated;
    return restart_agent(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-package-update",
        .title = "The distribution has a newer guest agent",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"UserErrorGuestAgentVersionUnsupported"},
        .disruption = Disruption::agent_restart,
        .explanation =
            "On request only: updates the agent's package, and nothing else that is not needed for it, with the "
            "distribution's own package manager and from its own repositories, keeps waagent.conf, and restarts the "
            "agent. Undo cannot bring the older package back.",
        .source = "https://learn.microsoft.com/azure/virtual-machines/extensions/update-linux-agent",
        .on_request = true,
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_package_update
