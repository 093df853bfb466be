#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations::causes::profile_list_damaged {

namespace {

constexpr auto key = R"(HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList)";
constexpr std::uint32_t invalid_sid = 0x80070539;

EventPattern unexpected_errors() {
    return {"Application", "VSS", {8193}};
}

/// Returns true for a text such as S-1-5-21-1-2-3-500.
bool is_sid(std::string_view text) {
    if (!boost::istarts_with(text, "S-1-")) return false;
    text.remove_prefix(4);
    const bool digits_and_dashes = text.find_first_not_of("0123456789-") == text.npos;
    return digits_and_dashes && !text.empty() && text.front() != '-' && text.back() != '-' &&
           text.find("--") == text.npos;
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event = newest_current(machine, unexpected_errors(), [](const machine::Event& each) {
        return names_code(text_of(each), invalid_sid);
    });
    if (event == nullptr) return Finding::healthy("VSS met no account id that it cannot read.");
    const auto profiles = machine.registry().subkeys(key);
    if (!profiles) return Finding::unknown(key, profiles.error());
    std::vector<std::string> damaged;
    std::ranges::copy_if(*profiles, std::back_inserter(damaged), [](const auto& name) { return !is_sid(name); });
    std::vector<Evidence> evidence{evidence_of(*event, "no such error")};
    for (const auto& name : damaged) evidence.push_back({std::string(key) + "\\" + name, "no account id", "S-1-..."});
    auto finding = Finding::needs_operator(
        damaged.empty() ? "VSS meets an account id that it cannot read."
                        : fmt::format("The list of user profiles has entries that are no account ids: {}.",
                                      fmt::join(damaged, ", ")),
        std::move(evidence),
        damaged.empty()
            ? fmt::format("Find the id that the event quotes in {} and in the registry, and remove it where no account "
                          "belongs to it.",
                          key)
            : "Export these keys (reg export), see whether the profile is still used, and delete them: a name "
              "that ends with .bak is left over from a profile that could not be loaded. Then restart "
              "Cryptographic Services and back up again.");
    // Without such an entry the id may stand anywhere in the registry.
    return damaged.empty() ? std::move(finding).as_risk() : finding;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "profile-list-damaged",
        .title = "The list of user profiles has entries that VSS cannot read",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed"},
        .explanation =
            "Writers look through the user profiles by their account ids. An entry whose name is no such id makes VSS "
            "fail with 0x80070539 (event 8193). Profiles belong to people, so nothing is deleted from here.",
        .source = "https://support.microsoft.com/kb/2019392",
        .signals = {judged(unexpected_errors())},
        .consequences = {"vss-writers-not-reached", "vss-writer-missing", "vss-writer-failed", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::profile_list_damaged
