#include "remediations/knowledge/network/snapshot_attempt.hpp"

#include <algorithm>

namespace remediations {

namespace {

// As GuestSnapshotter of the extension writes them.
constexpr auto guest_snapshot = "Snaphotting (Guest";
constexpr auto blob_address = "blobUri: https://";

/// Returns true for a character of a host name; any other character ends it.
bool is_host_character(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-' || character == '.';
}

}  // namespace

const BackupAttempt* unsuccessful_attempt(const machine::Machine& machine) {
    const auto* attempt = machine.derived<LogEvidence>().newest_attempt();
    return attempt && attempt->succeeded != true ? attempt : nullptr;
}

bool newest_backup_succeeded(const machine::Machine& machine) {
    const auto* attempt = machine.derived<LogEvidence>().newest_attempt();
    return attempt && attempt->succeeded == true;
}

const LogLine* line_of_unsuccessful_attempt(const machine::Machine& machine, std::string_view text) {
    const auto& logs = machine.derived<LogEvidence>();
    if (newest_backup_succeeded(machine)) return nullptr;
    const auto* match = logs.find_current(Log::extension, text);
    if (!match) return nullptr;
    const auto* attempt = logs.newest_attempt();
    const bool is_older = attempt && attempt->started && match->newest.time && *match->newest.time < *attempt->started;
    return is_older ? nullptr : &match->newest;
}

const LogLine* guest_path_of_unsuccessful_attempt(const machine::Machine& machine) {
    if (!line_of_unsuccessful_attempt(machine, guest_snapshot)) return nullptr;
    return line_of_unsuccessful_attempt(machine, blob_address);
}

std::vector<LogPattern> guest_path_lines() {
    return {{Log::extension, guest_snapshot}, {Log::extension, blob_address}};
}

std::string storage_host_in(std::string_view line) {
    const auto start = line.find(blob_address);
    if (start == std::string_view::npos) return {};
    const auto host = line.substr(start + std::string_view(blob_address).size());
    const auto end = std::ranges::find_if_not(host, is_host_character);
    constexpr std::size_t longest_name = 253;
    const auto length = static_cast<std::size_t>(end - host.begin());
    return length > longest_name ? std::string() : std::string(host.substr(0, length));
}

}  // namespace remediations
