#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/blocked_program.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations::causes::extension_crashed {

namespace {

constexpr auto program = "IaaSBcdrExtension.exe";

/// Windows' own report of a crash, and .NET's report of an unhandled exception.
std::vector<EventPattern> crashes() {
    return {{"Application", "Application Error", {1000}}, {"Application", ".NET Runtime", {1026}}};
}

/// In Application Error 1000: program, its version and time, module, its version and time, exception code, offset,
/// process, start, path of the program, path of the module.
constexpr std::size_t place_of_module = 3;
constexpr std::size_t place_of_exception = 6;
constexpr std::size_t place_of_module_path = 11;

std::string value_at(const machine::Event& event, std::size_t place) {
    return event.id == 1000 && place < event.data.size() ? event.data[place] : std::string();
}

bool is_known_module(const machine::Machine& machine, const std::string& module, const std::string& path) {
    if (path.empty()) return boost::iequals(module, "KERNELBASE.dll") || boost::iequals(module, "ntdll.dll");
    const auto places = extension_places(machine);
    const auto lies_in = [&](const machine::Path& folder) { return boost::istarts_with(path, folder + '\\'); };
    return lies_in(windows_folder(machine)) || std::ranges::any_of(places, lies_in);
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event = newest_about_extension(machine, crashes());
    if (event == nullptr) return Finding::healthy("The backup extension did not crash since the last good backup.");
    const auto module = value_at(*event, place_of_module);
    const auto path = value_at(*event, place_of_module_path);
    constexpr auto library_missing = "c0000135";
    const bool lacks_library = boost::iends_with(value_at(*event, place_of_exception), library_missing);
    std::string summary = fmt::format("{} crashed{}.", program, module.empty() ? "" : " in " + module);
    std::string action =
        lacks_library ? "Repair the Visual C++ 2013 x64 runtime: the program did not find one of its libraries."
        : !module.empty() && !is_known_module(machine, module, path)
            ? fmt::format(
                  "{} belongs to other software, mostly antivirus, that loads itself into every program: exclude "
                  "{} from it, or update it.",
                  path.empty() ? module : path, extension_places(machine)[0])
            : fmt::format(
                  "Exclude {} and {} from antivirus, which is the usual reason, then back up again. If it "
                  "crashes again, open a support request with this event.",
                  extension_places(machine)[0], extension_places(machine)[1]);
    return Finding::needs_operator(std::move(summary), {evidence_of(*event, "no crash")}, std::move(action));
}

}  // namespace

extern const Remediation remediation{
    .id = "extension-crashed",
    .title = "The backup extension crashes",
    .layer = Layer::backup_extension,
    .scope = Scope::windows,
    .error_codes = {"VMRestorePointInternalError", "GuestAgentSnapshotTaskStatusError", "ExtensionInstallationFailure"},
    .explanation =
        "Windows reports that IaaSBcdrExtension.exe ended with an error (Application Error 1000, .NET Runtime 1026). "
        "By Microsoft's experience antivirus interferes with it; the event names the module in which it happened.",
    .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
    .signals = all_judged(crashes()),
    .consequences = {"backup-attempt-failed", "backup-extension-state"},
    .diagnose = diagnose,
};

}  // namespace remediations::causes::extension_crashed
