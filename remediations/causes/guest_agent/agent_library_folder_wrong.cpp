#include <fmt/format.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/agent/agent_processes.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/configuration/extension_settings.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::agent_library_folder_wrong {

using machine::ErrorKind;
using machine::FileKind;
using machine::Machine;

namespace {

/// The backup extension looks for certificates here, whatever Lib.Dir says.
constexpr auto usual = "/var/lib/waagent";
constexpr auto cannot_open_line = "Can't open /var/lib/waagent/";
constexpr auto cannot_open_old_line = "Error opening recipient certificate file /var/lib/waagent/";

std::string configured(const AgentConfiguration& configuration, std::vector<Evidence>& evidence) {
    auto folder = configuration.text_of("Lib.Dir", usual);
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    for (const auto& line : configuration.lines_of("Lib.Dir")) {
        evidence.push_back(
            {fmt::format("{}:{}", configuration.path(), line.number), line.text, "Lib.Dir=/var/lib/waagent"});
    }
    return folder;
}

Finding missing(const std::string& folder, std::vector<Evidence> evidence, const std::string& what) {
    evidence.push_back({folder, what, "a folder"});
    return Finding::needs_operator(
        fmt::format("The agent's library folder {} is {}.", folder, what), std::move(evidence),
        fmt::format("Mount or restore {0}; or, where it was deleted, restart the guest agent, which makes it anew. "
                    "Without the file {0}/provisioned an agent that provisions (Provisioning.Agent=waagent) would "
                    "set up the VM again: create it empty first.",
                    folder));
}

/// Returns the certificate that the extension needs but cannot find in the folder that it knows.
std::optional<Evidence> certificate_out_of_reach(const Machine& machine, const std::string& folder) {
    const auto settings = newest_backup_settings(machine);
    if (!settings || settings->thumbprint.empty()) return std::nullopt;
    const auto wanted = fmt::format("{}/{}.crt", usual, settings->thumbprint);
    const auto there = fmt::format("{}/{}.crt", folder, settings->thumbprint);
    if (machine.files().status(wanted) || !machine.files().status(there)) return std::nullopt;
    return Evidence{wanted, fmt::format("missing; it is {}", there), "where the backup extension looks for it"};
}

bool leads_to(const Machine& machine, const std::string& folder) {
    auto target = machine.files().link_target(usual);
    while (target && target->size() > 1 && target->ends_with('/')) target->pop_back();
    return target && *target == folder;
}

/// A link can be made where its name is free and what it leads to is there.
bool can_be_linked(const Machine& machine, const std::string& folder,
                   const machine::Result<machine::FileStatus>& link) {
    const bool is_free = !link && link.error().kind == ErrorKind::not_found;
    const auto target = machine.files().status(folder);
    return is_free && folder.starts_with('/') && target && target->kind == FileKind::directory;
}

std::string what_is_there(const Machine& machine, const machine::Result<machine::FileStatus>& found) {
    if (!found) return "missing";
    if (found->kind != FileKind::symlink) return "a folder of its own";
    const auto target = machine.files().link_target(usual);
    return target ? "a link to " + *target : "a link";
}

std::string how_to_lead_there(const std::string& folder, const machine::Result<machine::FileStatus>& found) {
    if (!found) return fmt::format("Make {0} lead there: ln -s {1} {0}", usual, folder);
    if (found->kind == FileKind::symlink) return fmt::format("Make {0} lead there: ln -sfn {1} {0}", usual, folder);
    return fmt::format(
        "Make {0} lead to {1}: move what is in it away, then mount --bind {1} {0} (and add that to /etc/fstab).", usual,
        folder);
}

Finding moved(const Machine& machine, const std::string& folder, std::vector<Evidence> evidence) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* line = logs.find_current(Log::extension, cannot_open_line);
    if (!line) line = logs.find_current(Log::extension, cannot_open_old_line);
    const auto link = machine.files().status(usual);
    const bool is_link = link && link->kind == FileKind::symlink;
    if (is_link && (leads_to(machine, folder) || !certificate_out_of_reach(machine, folder))) {
        return Finding::healthy(fmt::format("The agent keeps extensions in {}, and {} leads there.", folder, usual),
                                std::move(evidence));
    }
    const bool link_is_known = link || link.error().kind == ErrorKind::not_found;
    if (!link_is_known && !line) return Finding::unknown(usual, link.error());
    const auto mounts = machine.mounts().list();
    const bool is_mount = mounts && std::ranges::find(*mounts, usual, &machine::Mount::target) != mounts->end();
    if (is_mount && !certificate_out_of_reach(machine, folder)) {
        return Finding::healthy(fmt::format("The agent keeps extensions in {}, and {} is a mount.", folder, usual),
                                std::move(evidence));
    }
    auto certificate = certificate_out_of_reach(machine, folder);
    const bool fails = line || certificate;
    if (line) evidence.push_back(line->newest.evidence("the certificate is found"));
    if (certificate) evidence.push_back(std::move(*certificate));
    if (link_is_known) {
        evidence.push_back({usual, what_is_there(machine, link), fmt::format("a link to {}", folder)});
    }
    auto summary = fmt::format(
        "The agent keeps extensions in {}, but the backup extension looks for certificates in {}.", folder, usual);
    auto action = how_to_lead_there(folder, link);
    auto finding = can_be_linked(machine, folder, link)
                       ? Finding::broken(std::move(summary), std::move(evidence), std::move(action))
                       : Finding::needs_operator(std::move(summary), std::move(evidence), std::move(action));
    if (finding.state == State::broken) finding.subjects = {folder};
    return fails ? finding : std::move(finding).as_risk();
}

Finding diagnose(const Machine& machine) {
    const auto& configuration = AgentConfiguration::of(machine);
    if (!configuration && configuration.error().kind == ErrorKind::not_found) {
        return Finding::not_applicable("There is no waagent.conf: the Linux guest agent is not installed here.");
    }
    if (!configuration) return Finding::unknown("/etc/waagent.conf", configuration.error());
    std::vector<Evidence> evidence;
    const auto folder = configured(*configuration, evidence);
    const auto status = machine.files().status(folder);
    const bool is_known = status || status.error().kind == ErrorKind::not_found;
    if (!is_known && folder != usual) return moved(machine, folder, std::move(evidence));
    if (!status && status.error().kind == ErrorKind::not_found) {
        const auto processes = agent_processes(machine);
        // An agent that never ran has made none yet.
        if (processes && processes->any()) return missing(folder, std::move(evidence), "missing");
        return Finding::healthy("The agent makes its library folder when it starts.", std::move(evidence));
    }
    if (!status) return Finding::unknown(folder, status.error());
    if (status->kind == FileKind::regular) return missing(folder, std::move(evidence), "a file");
    if (folder != usual) return moved(machine, folder, std::move(evidence));
    evidence.push_back({folder, "exists", ""});
    return Finding::healthy("The agent's library folder is where the extension expects it.", std::move(evidence));
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    for (const auto& folder : finding.subjects) {
        if (auto linked = changes.create_link(usual, folder); !linked) return linked;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "agent-library-folder",
        .title = "The guest agent's library folder is missing, or not where the backup extension expects it",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentCertificateNotFound", "GuestAgentSnapshotTaskStatusError",
                        "UserErrorGuestAgentStatusUnavailable"},
        .explanation =
            "Lib.Dir in waagent.conf moves the folder in which the agent keeps extensions and certificates; the backup "
            "extension still looks for the certificate in /var/lib/waagent and cannot decrypt its settings (result "
            "code 16). The fix makes a link from there where nothing is there; a folder of that name stays, and a "
            "person has to mount the other one over it. Moving Lib.Dir back by program is no fix: an agent that finds "
            "an empty folder may provision the VM again.",
        .source = "https://github.com/Azure/WALinuxAgent/issues/2949",
        .signals = {judged(Log::extension, cannot_open_line), judged(Log::extension, cannot_open_old_line)},
        .consequences = {"transport-certificate-missing", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::agent_library_folder_wrong
