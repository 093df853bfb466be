#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::storage_assembly_in_cache {

namespace {

constexpr auto code = "ExtensionCommandExecFailure";

/// .NET's exceptions where it loads another version of the library than the program was built with.
constexpr const char* wrong_version[] = {"System.IO.FileLoadException", "System.MissingMethodException",
                                         "System.TypeLoadException"};
constexpr auto library = "Microsoft.WindowsAzure.Storage";

std::vector<Signal> proofs() {
    std::vector<Signal> all;
    for (const auto log : {Log::extension, Log::commands}) {
        for (const auto* exception : wrong_version) {
            all.push_back({.role = Role::proof, .line = {log, exception}, .with = {library}, .heals_unsaid = true});
        }
    }
    return all;
}

Finding diagnose(const machine::Machine& machine, const Question& question) {
    const auto folder = windows_folder(machine) + R"(\Microsoft.NET\assembly\GAC_MSIL\Microsoft.WindowsAzure.Storage)";
    const auto versions = machine.files().list(folder);
    if (!versions && versions.error().kind == machine::ErrorKind::not_found) {
        return Finding::healthy("No other version of Azure's storage library takes the place of the extension's.");
    }
    if (!versions) return Finding::unknown(folder, versions.error());
    std::vector<Evidence> evidence{{folder, fmt::format("{}", fmt::join(*versions, " ")), "not there"}};
    constexpr auto summary =
        "A version of Azure's storage library for all programs takes the place of the extension's own.";
    const bool is_asked = boost::iequals(question.error_code, code);
    const bool in_log =
        machine.derived<LastRun>().is_failure() && boost::icontains(machine.derived<LastRun>().failure_text(), library);
    if (!is_asked && !in_log) return Finding::healthy(summary, std::move(evidence));
    return Finding::needs_operator(
        summary, std::move(evidence),
        fmt::format(
            "Find out which software installed it and update or remove that; or rename {} while no program uses "
            "it. Set the provider's flags with: backup-remediation fix --only provider-flags.",
            folder));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "storage-assembly-in-cache",
        .title = "Another version of Azure's storage library takes the place of the extension's",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {code},
        .explanation =
            "Libraries in .NET's global assembly cache come before a program's own. An old "
            "Microsoft.WindowsAzure.Storage there makes commands of the extension fail. Other programs may need it, so "
            "it is only reported, and only where such a failure was seen.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .signals = proofs(),
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::storage_assembly_in_cache
