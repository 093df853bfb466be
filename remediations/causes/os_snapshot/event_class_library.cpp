#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::event_class_library {

namespace {

/// The event class through which VSS tells its writers of a snapshot.
constexpr auto key =
    R"(HKLM\SOFTWARE\Microsoft\EventSystem\{26c409cc-ae86-11d1-b616-00805fc79216}\EventClasses\)"
    R"({FAF53CC4-BD73-4E36-83F1-2B23F46E513E}-{00000000-0000-0000-0000-000000000000}-{00000000-0000-0000-0000-000000000000})";
constexpr auto name = "TypeLib";
constexpr auto usual = R"(%systemroot%\system32\EVENTCLS.DLL)";
constexpr auto event_system = "EventSystem";

Finding diagnose(const machine::Machine& machine) {
    const auto where = fmt::format("{}\\{}", key, name);
    const auto value = registry_text(machine, key, name);
    if (!value) return Finding::unknown(where, value.error());
    if (!*value) {
        // Versions of Windows differ in what they register here; a value that is there has to be right.
        return Finding::not_applicable("COM+ Events has no such event class registered by itself.");
    }
    std::vector<Evidence> evidence{{where, **value, usual}};
    if (boost::iequals(expand_variables(machine, **value), expand_variables(machine, usual))) {
        return Finding::healthy("VSS finds the type library of its event class.", std::move(evidence));
    }
    return Finding::broken(
        "The event class of VSS names a wrong type library, so no writer hears of a snapshot.", std::move(evidence),
        fmt::format("Set {} to {} (REG_EXPAND_SZ), then restart the COM+ Event System.", where, usual));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const machine::RegistryValue value{machine::RegistryType::expand_string, std::string(usual)};
    if (auto set = changes.set_registry_value(key, name, value); !set) return set;
    // The value is right now, even if the service cannot be restarted here: then it counts from the next start.
    if (changes.machine().services().find(event_system)) static_cast<void>(changes.restart_service(event_system));
    return {};
}

/// "VSSEvent", the class that the library is for, cannot be created.
EventPattern class_not_registered() {
    return {"Application", "VSS", {22}};
}
constexpr auto event_class = "faf53cc4-bd73-4e36-83f1-2b23f46e513e";

}  // namespace

extern const Remediation remediation{
    .id = "event-class-library",
    .title = "The event class of VSS names a wrong type library",
    .layer = Layer::os_snapshot,
    .scope = Scope::windows,
    .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                    "ExtensionSnapshotFailed"},
    .disruption = Disruption::service_restart,
    .explanation =
        "VSS reaches its writers through an event class of COM+. Where its type library is wrong, vssadmin lists no "
        "writer and VSS logs events 22 and 8193 (0x80040154). The fix sets the value to what Windows has and restarts "
        "the COM+ Event System with the services that depend on it.",
    .source = "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/no-vss-writers-listed",
    .testimonies = {{.event = class_not_registered(), .with = {event_class}}},
    .consequences = {"vss-writer-missing", "vss-writer-failed", "vss-service", "backup-attempt-failed",
                     "backup-extension-state"},
    .diagnose = diagnose,
    .fix = fix,
};

}  // namespace remediations::causes::event_class_library
