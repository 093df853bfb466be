#include "remediations/knowledge/extension/visual_cpp_runtime.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;

namespace {

constexpr std::array libraries = {"msvcp120.dll", "msvcr120.dll"};
constexpr auto installation_failed = "ExtensionVCRedistInstallationFailure";
/// The error of COM+ where it cannot load the provider's library.
constexpr std::uint32_t catalogue_error = 0x80110401;
}  // namespace

bool stopped_at_runtime(const Machine& machine) {
    const auto& last = machine.derived<LastRun>();
    return last.is_failure() && last.attempt() && last.attempt()->phase == BackupPhase::visual_cpp_runtime;
}

machine::Result<VisualCppRuntime> visual_cpp_runtime_of(const Machine& machine) {
    VisualCppRuntime runtime;
    runtime.is_installed = true;
    std::vector<machine::FileVersion> versions;
    for (const auto* name : libraries) {
        const auto path = system_folder(machine) + '\\' + name;
        const auto status = machine.files().status(path);
        if (!status && status.error().kind != ErrorKind::not_found) return status.error();
        if (!status || status->size == 0) {
            runtime.is_installed = false;
            runtime.evidence.push_back({path, status ? "empty" : "missing", "of the Visual C++ 2013 x64 runtime"});
            continue;
        }
        const auto version = machine.files().version(path);
        if (version) versions.push_back(*version);
        runtime.evidence.push_back({path,
                                    version ? fmt::format("version {}.{}.{}.{}", version->number[0], version->number[1],
                                                          version->number[2], version->number[3])
                                            : "there",
                                    "both of one version"});
    }
    runtime.is_mixed = versions.size() == libraries.size() && versions[0].number != versions[1].number;
    return runtime;
}

bool runtime_is_to_blame(const Machine& machine, const Question& question) {
    if (boost::iequals(question.error_code, installation_failed)) return true;
    const auto& last = machine.derived<LastRun>();
    if (!last.is_failure()) return false;
    if (names_code(last.failure_text(), catalogue_error)) return true;
    return stopped_at_runtime(machine) || boost::icontains(last.failure_text(), "VCRedist") ||
           boost::icontains(last.failure_text(), "Visual C++");
}

}  // namespace remediations
