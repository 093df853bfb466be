#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/azure/arm_answer.hpp"
#include "remediations/knowledge/azure/vm_in_azure.hpp"
#include "remediations/knowledge/extension/handler_refusal.hpp"
#include "remediations/knowledge/extension/other_handlers.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::other_extension_failed {

Remediation remediation();

namespace {

/// The agent gives all extensions of a goal state 90 minutes, and the compute service gives the backup 140.
constexpr auto stuck_after = std::chrono::minutes(140);

struct Judgement {
    std::vector<std::string> waiting;  ///< these have not ended: the compute service creates no restore point meanwhile
    std::vector<std::string> failed;   ///< these ended with an error: the VM may count as failed
    std::vector<Evidence> evidence;
};

std::string shown(const std::string& message) {
    return message.substr(0, 300);
}

void judge(const OtherHandler& handler, std::chrono::system_clock::time_point now, Judgement& judgement) {
    // A handler that is being removed, or whose download failed, reports only through its status.
    if (handler.status == "NotReady" || handler.status == "Unresponsive") {
        judgement.failed.push_back(fmt::format("{} {}", handler.name, handler.version));
        judgement.evidence.push_back(
            {handler.path + "/config/HandlerStatus",
             fmt::format("{}, code {}: {}", handler.status, handler.code, shown(handler.message)), "Ready"});
        return;
    }
    if (handler.state != "Enabled") return;
    for (const auto& extension : handler.extensions) {
        const auto age = std::chrono::duration_cast<std::chrono::minutes>(now - extension.modified);
        const bool has_age = extension.modified != std::chrono::system_clock::time_point{};
        if (extension.word == "transitioning" && has_age && age > stuck_after) {
            judgement.waiting.push_back(fmt::format("{} {}", handler.name, handler.version));
            judgement.evidence.push_back(
                {extension.file,
                 fmt::format("transitioning for {} hours: {}", age.count() / 60, shown(extension.message)),
                 "success or error"});
        } else if (extension.word == "error") {
            judgement.failed.push_back(fmt::format("{} {}", handler.name, handler.version));
            judgement.evidence.push_back(
                {extension.file,
                 fmt::format("error, code {}: {}", extension.code.value_or(0), shown(extension.message)), "success"});
        }
    }
}

/// The agent's own word that it skips the backup extension because one that has to come before it failed.
std::optional<HandlerRefusal> backup_waits_for_another(const machine::Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return std::nullopt;
    const auto installed = installed_backup_extension(machine);
    auto refusal = installed ? handler_refusal(*installed) : std::nullopt;
    const bool is_skipped = refusal && refusal->what == HandlerRefusal::What::dependency;
    return is_skipped ? std::move(refusal) : std::nullopt;
}

Finding diagnose(const machine::Machine& machine) {
    const auto handlers = other_handlers(machine);
    if (!handlers) return Finding::unknown("the folders of the other extensions", handlers.error());
    const auto skipped = backup_waits_for_another(machine);
    if (handlers->empty() && !skipped) return Finding::not_applicable("No other extension is installed.");
    Judgement judgement;
    for (const auto& handler : *handlers) judge(handler, machine.facts().now, judgement);
    const auto logs = machine.facts().platform == machine::Platform::windows
                          ? machine.facts().system_drive + R"(\WindowsAzure\Logs\Plugins)"
                          : std::string("/var/log/azure");
    const auto how_to_repair = fmt::format(
        "Repair the extension by its message and its log in {}, or remove it: az vm extension delete "
        "--resource-group <group> --vm-name <vm> --name <name>. Then renew the VM's state with az vm reapply.",
        logs);
    if (!judgement.waiting.empty()) {
        return Finding::needs_operator(
            fmt::format("Another extension has not ended, and Azure makes no restore point until it has: {}.",
                        fmt::join(judgement.waiting, ", ")),
            std::move(judgement.evidence), how_to_repair);
    }
    if (skipped) {
        judgement.evidence.insert(judgement.evidence.begin(), skipped->evidence);
        return Finding::needs_operator(
            fmt::format("The agent does not run the backup extension, because another extension, which has to come "
                        "before it, failed{}{}.",
                        judgement.failed.empty() ? "" : ": ", fmt::join(judgement.failed, ", ")),
            std::move(judgement.evidence), how_to_repair);
    }
    if (!judgement.failed.empty()) {
        return Finding::needs_operator(
                   fmt::format(
                       "Another extension reports an error, which can put the whole VM in the failed state: {}.",
                       fmt::join(judgement.failed, ", ")),
                   std::move(judgement.evidence), how_to_repair)
            .as_risk();
    }
    return Finding::healthy(fmt::format("{} other extension{} installed, none failed or stuck.", handlers->size(),
                                        handlers->size() == 1 ? " is" : "s are"));
}

Finding diagnose_in_azure(const machine::Machine& machine, const Question& question) {
    const auto& vm = machine.derived<azure::VmInAzure>();
    if (!vm.extensions()) return azure::not_told(vm.extensions().error());
    std::vector<Evidence> evidence;
    std::vector<std::string> names;
    for (const auto& extension : *vm.extensions()) {
        // Our own tells its errors itself.
        const bool is_ours = boost::istarts_with(extension.type, "BackupRemediation");
        if (extension.is_of_backup() || is_ours || !extension.has_failed()) continue;
        const auto* failure = extension.failure();
        evidence.push_back({"extension " + extension.name,
                            failure ? fmt::format("{}: {}", failure->code, shown(failure->message)) : extension.state,
                            "Succeeded"});
        names.push_back(extension.name);
    }
    if (evidence.empty()) return Finding::healthy("Azure's model has no other extension as failed.");
    auto finding = Finding::needs_operator(
        fmt::format("Azure's model has another extension as failed: {}.", fmt::join(names, ", ")), std::move(evidence),
        fmt::format(
            "Repair it by its message, or remove it: az vm extension delete --ids \"{}/extensions/{}\". Then renew "
            "the VM's state with az vm reapply.",
            machine.azure().access()->vm_id, names.front()));
    const bool has_failed = vm.model() && boost::iequals(vm.model()->state, "Failed");
    return has_failed || explains(remediation(), question.error_code) ? finding : std::move(finding).as_risk();
}

}  // namespace

Remediation remediation() {
    return {
        .id = "other-extension-failed",
        .title = "Another extension of the VM failed or hangs",
        .layer = Layer::backup_extension,
        .scope = Scope::both,
        .error_codes = {"UserErrorVmProvisioningStateFailed", "VMExtensionProvisioningError",
                        "VMRestorePointInternalError", "UserErrorVmNotInDesirableState", "VmNotInDesirableState",
                        "GuestAgentSnapshotTaskStatusError", "InternalError"},
        .disruption = Disruption::none,
        .explanation =
            "Azure starts a restore point only when every extension of the VM has ended its provisioning, so one that "
            "stays in transitioning stops all backups. One that ended with an error can put the VM in the failed "
            "state, which stops them too; where it does not, backups go on. Other extensions are never touched from "
            "here.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout",
        .consequences = {"provisioning-state-failed", "backup-extension-state", "extension-error",
                         "extension-not-installed-yet"},
        .diagnose = diagnose,
        .diagnose_in_azure = diagnose_in_azure,
    };
}

}  // namespace remediations::causes::other_extension_failed
