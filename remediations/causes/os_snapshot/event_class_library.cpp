#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/snapshot/vss_writers.hpp"
#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::event_class_library {

namespace {

/// The event class with which VSS informs its writers of a snapshot.
constexpr auto key =
    R"(HKLM\SOFTWARE\Microsoft\EventSystem\{26c409cc-ae86-11d1-b616-00805fc79216}\EventClasses\)"
    R"({FAF53CC4-BD73-4E36-83F1-2B23F46E513E}-{00000000-0000-0000-0000-000000000000}-{00000000-0000-0000-0000-000000000000})";
constexpr auto name = "TypeLib";
constexpr auto usual = R"(%systemroot%\system32\EVENTCLS.DLL)";
constexpr auto event_system = "EventSystem";

constexpr std::string_view event_class = "{faf53cc4-bd73-4e36-83f1-2b23f46e513e}";

/// The class cannot be created (13), or is not registered (20, 22, both with its id; 34).
EventPattern class_failures() {
    return {"Application", "VSS", {13, 20, 22, 34}};
}
bool is_about_event_class(const machine::Event& event) {
    constexpr std::uint32_t about_no_other = 34;
    const auto named = guids_in(text_of(event));
    return event.id == about_no_other || std::ranges::find(named, event_class) != named.end();
}

std::string_view type_name(machine::RegistryType type) {
    switch (type) {
        case machine::RegistryType::string:
            return "REG_SZ";
        case machine::RegistryType::expand_string:
            return "REG_EXPAND_SZ";
        case machine::RegistryType::multi_string:
            return "REG_MULTI_SZ";
        default:
            return "neither REG_SZ nor REG_EXPAND_SZ";
    }
}

/// Variables are expanded only in a REG_EXPAND_SZ.
bool is_right(const machine::Machine& machine, const machine::RegistryValue& value) {
    const auto* text = std::get_if<std::string>(&value.data);
    const auto wanted = expand_variables(machine, usual);
    if (text == nullptr) return false;
    if (value.type == machine::RegistryType::expand_string) {
        return boost::iequals(expand_variables(machine, *text), wanted);
    }
    return value.type == machine::RegistryType::string && boost::iequals(*text, wanted);
}

Finding diagnose(const machine::Machine& machine) {
    const auto where = fmt::format("{}\\{}", key, name);
    const auto value = machine.registry().value(key, name);
    const bool is_absent = !value && value.error().kind == machine::ErrorKind::not_found;
    if (!value && !is_absent) return Finding::unknown(where, value.error());
    const auto* event = newest_current(machine, class_failures(), is_about_event_class);
    if (is_absent && event == nullptr) {
        // Versions of Windows differ in what they register here; a value that is there has to be right.
        return Finding::not_applicable("COM+ Events has no such event class registered by itself.");
    }
    const auto text = value ? registry_text(machine, key, name) : machine::Result<std::optional<std::string>>();
    const auto shown = text && *text ? **text : std::string("not text");
    const auto right = fmt::format("{} (REG_EXPAND_SZ)", usual);
    std::vector<Evidence> evidence{
        {where, is_absent ? "missing" : fmt::format("{} ({})", shown, type_name(value->type)), right}};
    if (event) evidence.push_back(evidence_of(*event, "an event class that VSS can use"));
    if (value && is_right(machine, *value)) {
        if (event == nullptr) {
            return Finding::healthy("VSS finds the type library of its event class.", std::move(evidence));
        }
        return Finding::needs_operator(
            "VSS cannot use its event class, so no writer hears of a snapshot; its type library is the right one.",
            std::move(evidence),
            fmt::format("See that {} is there and unharmed (sfc /scannow; DISM /Online /Cleanup-Image /RestoreHealth), "
                        "then restart the COM+ Event System and Volume Shadow Copy. Never register libraries of VSS "
                        "by hand.",
                        expand_variables(machine, usual)));
    }
    const bool is_of_wrong_type = value && value->type != machine::RegistryType::expand_string && text && *text &&
                                  boost::iequals(expand_variables(machine, **text), expand_variables(machine, usual));
    return Finding::broken(
        is_of_wrong_type
            ? fmt::format("The event class of VSS names its type library by a value of type {}, so no writer hears of "
                          "a snapshot.",
                          type_name(value->type))
            : std::string("The event class of VSS names a wrong type library, so no writer hears of a snapshot."),
        std::move(evidence),
        fmt::format("Set {} to {} of type REG_EXPAND_SZ, then restart the COM+ Event System and Volume Shadow Copy.",
                    where, usual));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const machine::RegistryValue value{machine::RegistryType::expand_string, std::string(usual)};
    if (auto set = changes.set_registry_value(key, name, value); !set) return set;
    // The value is right now, even if the service cannot be restarted here: then it counts from the next start.
    if (changes.machine().services().find(event_system)) static_cast<void>(changes.restart_service(event_system));
    return {};
}

constexpr auto event_class_id = "faf53cc4-bd73-4e36-83f1-2b23f46e513e";

}  // namespace

Remediation remediation() {
    return {
        .id = "event-class-library",
        .title = "The event class of VSS is damaged: its type library (TypeLib) is wrong",
        .layer = Layer::os_snapshot,
        .scope = Scope::windows,
        .error_codes = {"ExtensionFailedVssWriterInBadState", "ExtensionFailedVssServiceInBadState",
                        "ExtensionSnapshotFailed"},
        .disruption = Disruption::service_restart,
        .explanation =
            "VSS reaches its writers through an event class of COM+. Where its type library is wrong, vssadmin lists "
            "no writer and VSS logs events 13, 20, 22, 34 and 8193 (0x80040154). The value is a REG_EXPAND_SZ: as a "
            "REG_SZ its variable is not replaced. The fix sets the value to what Windows has and restarts the COM+ "
            "Event System with the services that depend on it.",
        .source = "https://learn.microsoft.com/troubleshoot/windows-server/backup-and-storage/no-vss-writers-listed",
        .signals = {judged(class_failures()),
                    {.role = Role::proof, .event = {"Application", "VSS", {13, 20, 22}}, .with = {event_class_id}},
                    proof({"Application", "VSS", {34}})},
        .consequences = {"vss-writers-not-reached", "vss-writer-missing", "vss-writer-failed", "vss-service",
                         "backup-attempt-failed", "backup-extension-state"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::event_class_library
