#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/provider_flags_of_extension.hpp"
#include "remediations/knowledge/snapshot/transaction_services.hpp"
#include "remediations/knowledge/snapshot/vss_providers.hpp"
#include "remediations/knowledge/windows/service_findings.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::provider_flags {

namespace {

constexpr auto provider_service = "IaasVmProvider";

/// Returns the faults of the provider that the flags call installed; empty where there are none. A stopped provider is
/// normal: it runs only during a backup.
machine::Result<std::vector<Evidence>> provider_faults(const machine::Machine& machine) {
    std::vector<Evidence> faults;
    const auto service = machine.services().find(provider_service);
    if (!service) {
        if (service.error().kind != machine::ErrorKind::not_found) return service.error();
        faults.push_back({std::string("service ") + provider_service, "not installed", "installed, as the flags say"});
    } else if (service->start != machine::StartType::disabled && failed_to_start(*service)) {
        faults.push_back({std::string("service ") + provider_service,
                          fmt::format("stopped with error {}", service->exit_code),
                          "stopped without an error, or running"});
    }
    const auto installed = installed_backup_extension(machine);
    if (!installed) return installed.error();
    if (installed->folders.empty()) return faults;
    const auto library = installed->folders.back().path + R"(\iaasvmprovider.dll)";
    const auto status = machine.files().status(library);
    if (!status && status.error().kind != machine::ErrorKind::not_found) return status.error();
    if (!status || status->size == 0) {
        faults.push_back({library, status ? "empty" : "missing", "the provider's library"});
    }
    const auto providers = vss_providers(machine);
    if (!providers) return providers.error();
    for (const auto& provider : *providers) {
        if (!is_of_azure_backup(provider) || !is_leftover(provider)) continue;
        faults.push_back(
            {provider.key, "registered with the missing library " + provider.library, "a library that exists"});
    }
    return faults;
}

/// Returns true if the vault's code is one for which Microsoft's advice ends with these flags, and what comes before
/// them in that advice is in order: COM+ and the transaction coordinator.
bool is_left_by_code(const machine::Machine& machine, std::string_view error_code) {
    const bool is_told = boost::iequals(error_code, "ExtensionSnapshotFailedCOM") ||
                         boost::iequals(error_code, "ExtensionInstallationFailedCOM");
    return is_told && std::ranges::all_of(std::array{com_plus, msdtc}, [&](const char* name) {
               const auto service = machine.services().find(name);
               return service && service->start != machine::StartType::disabled && !failed_to_start(*service);
           });
}

Finding diagnose(const machine::Machine& machine, const Question& question) {
    const auto flags = provider_flags_of_extension(machine);
    if (!flags) return Finding::unknown("the flags of the backup's VSS provider", flags.error());
    std::vector<Evidence> set;
    for (const auto& flag : *flags) {
        if (!flag.is_set) continue;
        set.push_back({fmt::format("{}\\{}", flag.key, flag.name), flag.shown, "False, or the provider works"});
    }
    if (set.empty()) return Finding::healthy("No flag claims that the backup's VSS provider is installed.");
    auto faults = provider_faults(machine);
    if (!faults) return Finding::unknown("the backup's VSS provider", faults.error());
    constexpr auto how_to = "Set the flags to False, so that the next backup installs the provider again.";
    if (faults->empty() && is_left_by_code(machine, question.error_code)) {
        auto finding = Finding::broken(
            fmt::format("{} is left to the backup's VSS provider: it looks right, and COM+ and MSDTC are in order.",
                        question.error_code),
            std::move(set), how_to);
        finding.is_suspicion = true;
        return finding;
    }
    if (faults->empty()) {
        return Finding::healthy("The backup's VSS provider is installed, as its flags say.", std::move(set));
    }
    std::vector<std::string> seen;
    for (const auto& fault : *faults) seen.push_back(fmt::format("{} is {}", fault.where, fault.seen));
    set.insert(set.begin(), faults->begin(), faults->end());
    return Finding::broken(
        fmt::format("The extension believes that its VSS provider is installed, but {}.", fmt::join(seen, " and ")),
        std::move(set), how_to);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return clear_provider_flags(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "provider-flags",
        .title = "The backup's VSS provider has to be installed anew",
        .layer = Layer::backup_extension,
        .scope = Scope::windows,
        .error_codes = {"ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedCOM", "ExtensionCommandExecFailure",
                        "BackUpOperationFailed", "BackUpOperationFailedV2"},
        .disruption = Disruption::none,
        .explanation =
            "The extension notes in IsProviderInstalled and IsCommonProviderInstalled that it installed its VSS "
            "provider, and then never tries again. When the service IaasVmProvider or its library is gone or failing, "
            "every snapshot fails. A stopped service is normal. The fix sets the flags to False; the next backup "
            "installs the provider. Where the vault's code means COM+ and nothing else is found, that is tried too, "
            "because it loses nothing.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot",
        .consequences = {"backup-attempt-failed", "backup-extension-state"},
        .diagnose_for = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::provider_flags
