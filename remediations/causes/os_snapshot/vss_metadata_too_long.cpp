#include <fmt/format.h>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations::causes::vss_metadata_too_long {

namespace {

constexpr std::uint32_t bad_length = 0x80070018;

EventPattern unexpected_errors() {
    return {"Application", "VSS", {8193}};
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event = newest_current(
        machine, unexpected_errors(), [](const machine::Event& each) { return names_code(text_of(each), bad_length); });
    if (event == nullptr) return Finding::healthy("No VSS writer's list of files is too long.");
    std::vector<Evidence> evidence{evidence_of(*event, "no such error")};
    const auto folder = windows_folder(machine) + R"(\Microsoft.NET\Framework64\v2.0.50727)";
    constexpr std::size_t many = 1000;
    for (const auto* name : {R"(\Temporary ASP.NET Files)", R"(\TemporaryInternetFiles)"}) {
        const auto files = machine.files().list(folder + name);
        if (!files) continue;
        evidence.push_back({folder + name, fmt::format("{} entries", files->size()), fmt::format("below {}", many)});
    }
    return Finding::needs_operator(
        "The list of files of a VSS writer is too long for VSS, mostly that of the System Writer.", std::move(evidence),
        fmt::format("Delete old temporary files of ASP.NET below {} (stop IIS first). If there are few, see which "
                    "software registered thousands of services or drivers in folders of its own.",
                    windows_folder(machine) + R"(\Microsoft.NET)"));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "vss-metadata-too-long",
        .title = "The file list of a VSS writer is too long",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionSnapshotFailed"},
        .explanation =
            "Each writer describes its files to VSS in a document of limited length. The System Writer lists every "
            "folder with protected files; very many temporary files of ASP.NET make it too long, and it disappears "
            "from the list of writers (event VSS 8193, 0x80070018).",
        .source =
            "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/"
            "event-id-8193-when-you-perform-backup",
        .signals = {judged(unexpected_errors())},
        .consequences = {"vss-writer-missing", "vss-writer-failed", "vss-writer-refused", "backup-attempt-failed",
                         "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::vss_metadata_too_long
