#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <span>

#include "remediations/knowledge/agent/agent_events.hpp"
#include "remediations/knowledge/extension/blocked_program.hpp"
#include "remediations/knowledge/windows/dotnet_release.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations::causes::extension_crashed {

namespace {

constexpr auto program = "IaaSBcdrExtension.exe";

EventPattern application_error() {
    return {"Application", "Application Error", {1000}};
}
/// An exception that a .NET program did not handle.
EventPattern dotnet_runtime() {
    return {"Application", ".NET Runtime", {1026}};
}
std::vector<EventPattern> crashes() {
    return {application_error(), dotnet_runtime()};
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

std::string action_by_module(const machine::Machine& machine, const machine::Event& event) {
    const auto module = value_at(event, place_of_module);
    const auto path = value_at(event, place_of_module_path);
    constexpr auto library_missing = "c0000135";
    const auto places = extension_places(machine);
    if (boost::iends_with(value_at(event, place_of_exception), library_missing)) {
        return "Repair the Visual C++ 2013 x64 runtime: the program did not find one of its libraries.";
    }
    if (!module.empty() && !is_known_module(machine, module, path)) {
        return fmt::format(
            "{} belongs to other software, mostly antivirus, that loads itself into every program: exclude {} from it, "
            "or update it.",
            path.empty() ? module : path, places[0]);
    }
    return fmt::format(
        "Exclude {} and {} from antivirus, which is the usual reason, then back up again. If it crashes again, open a "
        "support request with this event.",
        places[0], places[1]);
}

/// .NET throws these where a program uses what the .NET Framework, or another library, does not have.
constexpr std::string_view exceptions_of_missing_parts[] = {
    "System.MissingMethodException", "System.MissingFieldException", "System.MissingMemberException",
    "System.TypeLoadException", "System.EntryPointNotFoundException"};
/// .NET throws these where it finds a library not at all, or cannot load it.
constexpr std::string_view exceptions_of_missing_files[] = {
    "System.IO.FileNotFoundException", "System.IO.FileLoadException", "System.DllNotFoundException",
    "System.BadImageFormatException"};

bool is_one_of(const std::string& exception, std::span<const std::string_view> names) {
    return std::ranges::find(names, exception) != names.end();
}

/// Judges an exception, which names the reason better than the module: that is always KERNELBASE.dll or clr.dll.
Finding judge_exception(const machine::Machine& machine, const machine::Event& event, const std::string& exception) {
    std::vector<Evidence> evidence{evidence_of(event, "no crash")};
    constexpr auto install_anew =
        "Remove the extension from the VM (az vm extension delete): the next backup installs it anew, with all its "
        "libraries. If it crashes again, open a support request with this event.";
    if (is_one_of(exception, exceptions_of_missing_parts)) {
        const auto release = dotnet_release(machine);
        const bool is_newest = release && *release && **release >= dotnet_4_8;
        if (!is_newest) {
            const auto here = release && *release ? version_of_dotnet(**release) : std::string("of unknown version");
            evidence.push_back({std::string(dotnet_release_place), release && *release ? std::to_string(**release) : "",
                                fmt::format("{} (4.8), the newest for all Windows", dotnet_4_8)});
            return Finding::needs_operator(
                fmt::format("{} ended with {}: it uses what the .NET Framework here ({}) does not have.", program,
                            exception, here),
                std::move(evidence),
                "Install .NET Framework 4.8, restart Windows, and back up again. If it crashes again, remove the "
                "extension from the VM: the next backup installs it anew.");
        }
        return Finding::needs_operator(
            fmt::format("{} ended with {}: one of its libraries has another version than it was made for.", program,
                        exception),
            std::move(evidence), install_anew);
    }
    if (is_one_of(exception, exceptions_of_missing_files)) {
        return Finding::needs_operator(
            fmt::format("{} ended with {}: one of its libraries is missing or damaged.", program, exception),
            std::move(evidence), install_anew);
    }
    return Finding::needs_operator(
        fmt::format("{} ended with {}.", program, exception), std::move(evidence),
        fmt::format("Look at the event's stack: it says what was refused or missing. Where it is about a file, exclude "
                    "{} and {} from antivirus. Then back up again. If it crashes again, open a support request with "
                    "this event.",
                    extension_places(machine)[0], extension_places(machine)[1]));
}

Finding diagnose(const machine::Machine& machine) {
    const auto* event = newest_about_extension(machine, crashes());
    if (event == nullptr) return Finding::healthy("The backup extension did not crash since the last good backup.");
    const auto* managed = newest_about_extension(machine, {dotnet_runtime()});
    // Windows reports the same crash a moment after .NET.
    constexpr auto same_crash = std::chrono::seconds(30);
    if (managed && event->time - managed->time <= same_crash) {
        const auto exception = exception_in(fmt::format("{}", fmt::join(managed->data, " ")));
        if (!exception.empty()) return judge_exception(machine, *managed, exception);
    }
    const auto module = value_at(*event, place_of_module);
    return Finding::needs_operator(fmt::format("{} crashed{}.", program, module.empty() ? "" : " in " + module),
                                   {evidence_of(*event, "no crash")}, action_by_module(machine, *event));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-crashed",
        .title = "The backup extension crashes",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"VMRestorePointInternalError", "GuestAgentSnapshotTaskStatusError",
                        "ExtensionInstallationFailure", "InternalError"},
        .explanation =
            "Windows reports that IaaSBcdrExtension.exe ended with an error (Application Error 1000, .NET Runtime "
            "1026). The exception of .NET names the reason: an older .NET Framework, for example, or a library that is "
            "missing. Without one the event names the module in which it happened; by Microsoft's experience antivirus "
            "interferes.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .signals = all_judged(crashes()),
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::extension_crashed
