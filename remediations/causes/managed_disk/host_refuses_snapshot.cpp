#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/network/snapshot_attempt.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::host_refuses_snapshot {

namespace {

constexpr auto do_snapshot_body = "dosnapshot responseBody:";
constexpr auto pre_snapshot_body = "presnapshot responseBody:";

/// Returns true for an HTTP status that refuses. The extension's own codes in its place (555 to 558) are not refusals.
bool is_refusal(const std::optional<int>& status) {
    constexpr int first_of_extension = 555;
    constexpr int last_of_extension = 558;
    return status && *status >= 400 && *status < 600 && (*status < first_of_extension || *status > last_of_extension);
}

std::string advice_for(int status) {
    constexpr auto ask =
        " If it fails in the same way, open a support request with these lines: the reason lies with the platform.";
    if (status == 409) {
        return std::string(
                   "Back up again: the host answered 409, because another snapshot or operation on the disks "
                   "was under way. See that Site Recovery, exports and other backup products do not work on "
                   "them at that time.") +
               ask;
    }
    if (status == 429) {
        return std::string(
                   "Back up again in an hour: the host answered 429, because too many snapshots are asked for. "
                   "See what else takes snapshots of these disks.") +
               ask;
    }
    if (status >= 500) {
        return fmt::format(
            "Back up again later: the snapshot service of the host failed with HTTP {}. Deallocate and "
            "start the VM, which puts it on another host, when that suits.{}",
            status, ask);
    }
    return fmt::format(
        "Back up again: the host refused with HTTP {}. Where disks were added, detached or excluded "
        "lately, reapply the VM (az vm reapply --resource-group <group> --name <vm>), so that the host "
        "knows them.{}",
        status, ask);
}

Finding diagnose(const machine::Machine& machine) {
    const auto* attempt = unsuccessful_attempt(machine);
    if (!attempt) return Finding::healthy("The host did not refuse the newest backup's snapshot.");
    // Where the guest took over, its own failure decides.
    if (guest_path_of_unsuccessful_attempt(machine)) {
        return Finding::healthy("After the host the newest backup asked storage itself.");
    }
    const bool of_do_snapshot = is_refusal(attempt->host_do_snapshot);
    if (!of_do_snapshot && !is_refusal(attempt->host_pre_snapshot)) {
        return Finding::healthy("The host did not refuse the newest backup's snapshot.");
    }
    const int status = of_do_snapshot ? *attempt->host_do_snapshot : *attempt->host_pre_snapshot;
    const auto request = of_do_snapshot ? "DoSnapshot" : "PreSnapshot";
    std::vector<Evidence> evidence{
        {"the backup extension's log", fmt::format("HTTP {} for {}", status, request), "HTTP 200"}};
    std::string said;
    if (const auto* line =
            line_of_unsuccessful_attempt(machine, of_do_snapshot ? do_snapshot_body : pre_snapshot_body)) {
        evidence.insert(evidence.begin(), line->evidence("an identifier of the snapshot"));
        const auto body = line->text.find("responseBody:");
        if (body != std::string::npos) said = line->text.substr(body + std::string_view("responseBody:").size(), 300);
    }
    const auto meaning = meaning_of({Reason::Kind::http, status, {}, {}});
    auto summary = fmt::format("The host refused to take the snapshot: HTTP {} for {}", status, request);
    if (meaning) summary += fmt::format(", {}", clause_of(*meaning));
    if (!said.empty() && said != " ") summary += fmt::format(" (it said:{})", said);
    auto finding =
        Finding::needs_operator(summary + ". Nothing inside the VM did that.", std::move(evidence), advice_for(status));
    finding.basis = Basis::last_run;
    return finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "host-refuses-snapshot",
        .title = "The host refused the snapshot",
        .layer = Layer::managed_disk,
        .scope = Scope::linux,
        .error_codes = {"ExtensionSnapshotFailedNoNetwork", "FailedRetryableSnapshotFailedNoNetwork",
                        "FailedHostSnapshotRemoteServerError", "76"},
        .disruption = Disruption::none,
        .explanation =
            "The backup extension asks the VM's host, at 168.63.129.16, to take the snapshots. An answer with an HTTP "
            "status of 400 or more is a refusal: 409 another operation on the disks, 429 too many requests, 5xx a "
            "fault of the host. The extension reports that as \"no network\", though the answer came over the network.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = {judged(Log::extension, do_snapshot_body), judged(Log::extension, pre_snapshot_body),
                    judged(guest_path_lines()[0]), judged(guest_path_lines()[1])},
        .consequences = {"no-network-catch-all", "extension-error", "backup-extension-state", "snapshot-conflict"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::host_refuses_snapshot
