#include "remediations/knowledge/logs/event_failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <map>
#include <span>

#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/logs/event_text.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"

namespace remediations {

using machine::Event;

namespace {

using Clock = std::chrono::system_clock;

/// The writer of an event, as far as it decides if the event has to do with a backup.
enum class EventOrigin {
    vss,              ///< VSS, its drivers and its writers; always about a snapshot
    snapshot_part,    ///< parts that a snapshot needs: COM+, MSDTC, disks, file systems
    sql_device,       ///< any program that backs up a database
    service_manager,  ///< names a service
    crash,            ///< names a program
    installer,        ///< names a product
    database,         ///< ESENT; a database of any program
};

struct EventProvider {
    std::string_view channel;
    std::string_view name;
    std::string_view component;  ///< for people
    EventOrigin origin = EventOrigin::snapshot_part;
};

constexpr std::string_view application = "Application";
constexpr std::string_view of_system = "System";

// A provider that moved from one channel to the other between versions of Windows is asked for in both.
constexpr EventProvider event_providers[] = {
    {application, "VSS", "VSS", EventOrigin::vss},
    {of_system, "volsnap", "The snapshot driver", EventOrigin::vss},
    {application, "SQLWRITER", "SQL Server's VSS writer", EventOrigin::vss},
    {application, "Microsoft-Windows-CAPI2", "Cryptographic Services", EventOrigin::vss},
    {application, "CAPI2", "Cryptographic Services", EventOrigin::vss},
    {application, "MSExchangeRepl", "Exchange's replication service", EventOrigin::snapshot_part},
    {application, "SQLVDI", "A backup device of SQL Server", EventOrigin::sql_device},
    {application, "MSSQLSERVER", "SQL Server", EventOrigin::sql_device},
    {application, "COM+", "COM+", EventOrigin::snapshot_part},
    {application, "Complus", "COM+", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-Complus", "COM+", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-ComRuntime", "COM+", EventOrigin::snapshot_part},
    {application, "EventSystem", "The COM+ Event System", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-EventSystem", "The COM+ Event System", EventOrigin::snapshot_part},
    {application, "MSDTC", "MSDTC", EventOrigin::snapshot_part},
    {application, "MSDTC Client", "MSDTC", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-MSDTC", "MSDTC", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-MSDTC 2", "MSDTC", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-MSDTC Client", "MSDTC", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-MSDTC Client 2", "MSDTC", EventOrigin::snapshot_part},
    {of_system, "Microsoft-Windows-MSDTC", "MSDTC", EventOrigin::snapshot_part},
    {of_system, "Microsoft-Windows-MSDTC Client", "MSDTC", EventOrigin::snapshot_part},
    {of_system, "Microsoft-Windows-MSDTC Client 2", "MSDTC", EventOrigin::snapshot_part},
    {of_system, "Service Control Manager", "The service manager", EventOrigin::service_manager},
    {of_system, "DCOM", "DCOM", EventOrigin::service_manager},
    {of_system, "Microsoft-Windows-DistributedCOM", "DCOM", EventOrigin::service_manager},
    {of_system, "disk", "The disk driver", EventOrigin::snapshot_part},
    {of_system, "storahci", "The disk driver", EventOrigin::snapshot_part},
    {of_system, "stornvme", "The disk driver", EventOrigin::snapshot_part},
    {of_system, "storvsc", "The disk driver", EventOrigin::snapshot_part},
    {of_system, "Microsoft-Windows-StorPort", "The disk driver", EventOrigin::snapshot_part},
    {of_system, "volmgr", "The volume manager", EventOrigin::snapshot_part},
    {of_system, "partmgr", "The volume manager", EventOrigin::snapshot_part},
    {of_system, "Ntfs", "NTFS", EventOrigin::snapshot_part},
    {of_system, "Microsoft-Windows-Ntfs", "NTFS", EventOrigin::snapshot_part},
    {of_system, "Microsoft-Windows-ReFS", "ReFS", EventOrigin::snapshot_part},
    {of_system, "Microsoft-Windows-FilterManager", "The filter manager", EventOrigin::snapshot_part},
    {of_system, "Virtual Disk Service", "The Virtual Disk Service", EventOrigin::snapshot_part},
    {of_system, "VDS Basic Provider", "The Virtual Disk Service", EventOrigin::snapshot_part},
    {of_system, "VDS Dynamic Provider", "The Virtual Disk Service", EventOrigin::snapshot_part},
    {application, "WinMgmt", "WMI", EventOrigin::snapshot_part},
    {application, "Microsoft-Windows-WMI", "WMI", EventOrigin::snapshot_part},
    {application, "Application Error", "Windows", EventOrigin::crash},
    {application, ".NET Runtime", ".NET", EventOrigin::crash},
    {application, "MsiInstaller", "Windows Installer", EventOrigin::installer},
    {application, "ESENT", "The database engine ESENT", EventOrigin::database},
};
constexpr std::string_view named_instances = "MSSQL$";

const EventProvider* provider_of(const Event& event) {
    const auto is_named = [&](std::string_view name) { return boost::iequals(name, event.provider); };
    const auto name = boost::istarts_with(event.provider, named_instances) ? "MSSQLSERVER" : event.provider;
    const auto found = std::ranges::find_if(
        event_providers, [&](const auto& each) { return boost::iequals(each.name, name) || is_named(each.name); });
    return found == std::end(event_providers) ? nullptr : found;
}

/// A program or service that a backup needs or that is one of its VSS writers.
struct BackupPart {
    Layer layer = Layer::os_snapshot;
    std::string_view name;  ///< as it is in an event, without case: key name, English display name, or program
};

constexpr BackupPart backup_services[] = {
    {Layer::guest_agent, "RdAgent"},
    {Layer::guest_agent, "WindowsAzureGuestAgent"},
    {Layer::guest_agent, "Windows Azure Guest Agent"},
    {Layer::guest_agent, "WindowsAzureNetAgentSvc"},
    {Layer::guest_agent, "Windows Azure Network Agent"},
    {Layer::backup_extension, "IaaSVmProvider"},
    {Layer::backup_extension, "msiserver"},
    {Layer::backup_extension, "Windows Installer"},
    {Layer::os_snapshot, "VSS"},
    {Layer::os_snapshot, "Volume Shadow Copy"},
    {Layer::os_snapshot, "swprv"},
    {Layer::os_snapshot, "Microsoft Software Shadow Copy Provider"},
    {Layer::os_snapshot, "COMSysApp"},
    {Layer::os_snapshot, "COM+ System Application"},
    {Layer::os_snapshot, "EventSystem"},
    {Layer::os_snapshot, "COM+ Event System"},
    {Layer::os_snapshot, "SENS"},
    {Layer::os_snapshot, "System Event Notification Service"},
    {Layer::os_snapshot, "MSDTC"},
    {Layer::os_snapshot, "Distributed Transaction Coordinator"},
    {Layer::os_snapshot, "KtmRm"},
    {Layer::os_snapshot, "RpcSs"},
    {Layer::os_snapshot, "Remote Procedure Call (RPC)"},
    {Layer::os_snapshot, "DcomLaunch"},
    {Layer::os_snapshot, "DCOM Server Process Launcher"},
    {Layer::os_snapshot, "SamSs"},
    {Layer::os_snapshot, "CryptSvc"},
    {Layer::os_snapshot, "Cryptographic Services"},
    {Layer::os_snapshot, "Winmgmt"},
    {Layer::os_snapshot, "Windows Management Instrumentation"},
    {Layer::os_snapshot, "SQLWriter"},
    {Layer::os_snapshot, "SQL Server VSS Writer"},
    {Layer::os_snapshot, "vds"},
    {Layer::os_snapshot, "Virtual Disk"},
    {Layer::os_snapshot, "volsnap"},
    {Layer::os_snapshot, "NTDS"},
    {Layer::os_snapshot, "vmms"},
    {Layer::os_snapshot, "Hyper-V Virtual Machine Management"},
    {Layer::os_snapshot, "MSExchangeRepl"},
    {Layer::os_snapshot, "Microsoft Exchange Replication"},
};

constexpr BackupPart backup_programs[] = {
    {Layer::guest_agent, "WaAppAgent.exe"},
    {Layer::guest_agent, "WindowsAzureGuestAgent.exe"},
    {Layer::guest_agent, "WindowsAzureNetAgent.exe"},
    {Layer::backup_extension, "IaaSBcdrExtension.exe"},
    {Layer::backup_extension, "IaaSVmProvider"},
    {Layer::backup_extension, "msiexec.exe"},
    {Layer::os_snapshot, "VSSVC.exe"},
    {Layer::os_snapshot, "sqlwriter.exe"},
    {Layer::os_snapshot, "sqlservr.exe"},
    {Layer::os_snapshot, "msdtc.exe"},
    {Layer::os_snapshot, "dllhost.exe"},
    {Layer::os_snapshot, "wmiprvse.exe"},
    {Layer::os_snapshot, "vds.exe"},
    {Layer::os_snapshot, "lsass.exe"},
    {Layer::os_snapshot, "vmms.exe"},
    {Layer::os_snapshot, "msexchangerepl.exe"},
    // For a service with a process of its own, its name follows: "svchost.exe_CryptSvc".
    {Layer::os_snapshot, "svchost.exe_VSS"},
    {Layer::os_snapshot, "svchost.exe_swprv"},
    {Layer::os_snapshot, "svchost.exe_EventSystem"},
    {Layer::os_snapshot, "svchost.exe_CryptSvc"},
    {Layer::os_snapshot, "svchost.exe_Winmgmt"},
    {Layer::os_snapshot, "svchost.exe_RpcSs"},
};

/// Events that occur while backups succeed, for machines without a good run that would show them: by id and by texts in
/// them.
struct HarmlessEvent {
    std::string_view provider;
    std::uint32_t id = 0;
    std::string_view text = {};
    std::string_view other_text = {};
};
constexpr HarmlessEvent harmless_events[] = {
    {"VSS", 8193, "0x80070005", R"(Services\VSS\Diag)"},
    {"VSS", 8194, "0x80070005"},
    {"VSS", 12289, "0x80042409"},
    {"VSS", 8220},
    {"Microsoft-Windows-CAPI2", 513, "Microsoft Link-Layer Discovery Protocol"},
    {"CAPI2", 513, "Microsoft Link-Layer Discovery Protocol"},
    {"Microsoft-Windows-DistributedCOM", 10016},
    {"DCOM", 10016},
    {"Microsoft-Windows-WMI", 10},
};

std::string joined(const Event& event) {
    return boost::algorithm::join(event.data, "\n");
}

bool is_harmless(const Event& event) {
    const auto text = joined(event);
    return std::ranges::any_of(harmless_events, [&](const auto& known) {
        return known.id == event.id && boost::iequals(known.provider, event.provider) &&
               boost::icontains(text, known.text) && boost::icontains(text, known.other_text);
    });
}

/// Returns the layer that an event concerns; nullopt where the event has nothing to do with a backup.
std::optional<Layer> layer_of(const Event& event, EventOrigin origin) {
    switch (origin) {
        case EventOrigin::vss:
        case EventOrigin::snapshot_part:
        case EventOrigin::sql_device:
            return Layer::os_snapshot;
        case EventOrigin::service_manager: {
            const auto service = service_of(event);
            const auto is_named = [&](const BackupPart& part) {
                return service.empty()
                           ? std::ranges::any_of(event.data,
                                                 [&](const auto& each) { return boost::iequals(each, part.name); })
                           : boost::iequals(service, part.name);
            };
            const auto part = std::ranges::find_if(backup_services, is_named);
            if (part != std::end(backup_services)) return part->layer;
            if (!boost::iequals(event.provider, "Service Control Manager")) {
                return service.empty() ? std::optional(Layer::os_snapshot) : std::nullopt;
            }
            // A driver that was not loaded, or an event that names no service.
            constexpr std::uint32_t drivers_not_loaded = 7026;
            const bool names_none = event.id == drivers_not_loaded || event.data.empty();
            return names_none ? std::optional(Layer::os_snapshot) : std::nullopt;
        }
        case EventOrigin::crash: {
            const auto text = event.data.empty() ? std::string() : event.data.front();
            const auto part = std::ranges::find_if(backup_programs,
                                                   [&](const auto& each) { return boost::icontains(text, each.name); });
            return part == std::end(backup_programs) ? std::nullopt : std::optional(part->layer);
        }
        case EventOrigin::installer: {
            constexpr std::string_view products[] = {"Visual C++", "VMSnapshot", "IaaSVmProvider", "IaasVm"};
            const auto text = joined(event);
            const bool is_ours = std::ranges::any_of(products, [&](auto each) { return boost::icontains(text, each); });
            return is_ours ? std::optional(Layer::backup_extension) : std::nullopt;
        }
        case EventOrigin::database: {
            // 2000 to 2010 tell of shadow copies.
            constexpr std::uint32_t first = 2000;
            constexpr std::uint32_t last = 2010;
            const bool is_of_snapshot = event.id >= first && event.id <= last;
            return is_of_snapshot ? std::optional(Layer::os_snapshot) : std::nullopt;
        }
    }
    return std::nullopt;
}

/// The time of one run of the backup, extended a little before and after it.
struct RunWindow {
    Clock::time_point begin;
    Clock::time_point end;
    bool is_good = false;

    bool holds(Clock::time_point time) const { return time >= begin && time <= end; }
};

std::vector<RunWindow> windows_of(const BackupRuns& runs) {
    constexpr auto margin = std::chrono::minutes(2);
    constexpr auto longest_backup = std::chrono::minutes(140);
    std::vector<RunWindow> windows;
    for (const auto& attempt : runs.attempts) {
        const auto begin = attempt.started ? attempt.started : attempt.ended;
        if (!begin) continue;
        const bool is_good = attempt.succeeded == true;
        const bool has_error = !attempt.decisive.file.empty();
        const bool has_begun = attempt.phase != BackupPhase::none || has_error;
        if (!is_good && !has_begun) continue;
        auto end = std::max(*begin, attempt.ended.value_or(*begin));
        // A run that broke off hung for as long as Azure waits.
        if (!attempt.succeeded && !has_error) end = std::max(end, *begin + longest_backup);
        if (!windows.empty() && !windows.back().is_good) {
            windows.back().end = std::min(windows.back().end, std::max(windows.back().begin, *begin - margin));
        }
        windows.push_back({is_good ? *begin : *begin - margin, end + margin, is_good});
    }
    return windows;
}

/// Judges event times by the runs.
class RunCalendar {
public:
    explicit RunCalendar(const BackupRuns& runs) : windows_(windows_of(runs)), success_(runs.success) {
        for (const auto& window : windows_) {
            if (window.is_good) success_ = std::max(success_.value_or(window.end), window.end);
        }
    }

    bool knows_runs() const { return !windows_.empty(); }
    bool is_history(Clock::time_point time) const { return success_ && time <= *success_; }
    bool is_in_newest_failed(Clock::time_point time) const {
        return !windows_.empty() && !windows_.back().is_good && windows_.back().holds(time) && !is_history(time);
    }
    bool is_in_failed(Clock::time_point time) const {
        const auto failed = [&](const auto& window) { return !window.is_good && window.holds(time); };
        return !is_history(time) && std::ranges::any_of(windows_, failed);
    }
    /// Returns true if it occurred during a backup that succeeded, or before one.
    bool is_proven_harmless(Clock::time_point time) const {
        const auto around = std::ranges::find_if(windows_, [&](const auto& each) { return each.holds(time); });
        if (around != windows_.end()) return around->is_good;
        const auto next = std::ranges::find_if(windows_, [&](const auto& each) { return each.begin > time; });
        return next != windows_.end() && next->is_good;
    }

private:
    std::vector<RunWindow> windows_;
    std::optional<Clock::time_point> success_;
};

/// Returns true for "5(Access is denied.)", SQL Server's form of a Windows error.
bool is_quoted_system_error(std::string_view value) {
    const auto digits = std::min(value.find_first_not_of("0123456789"), value.size());
    return digits > 0 && digits < value.size() && value[digits] == '(' && value.ends_with(')');
}

/// Returns the text of an event with a label before bare codes, because reasons_in() needs one: the service manager's
/// "%%1053", a number without a word as DCOM writes it, and the codes that SQL Server quotes.
std::string with_labels(const Event& event, EventOrigin origin) {
    std::string text;
    if (origin == EventOrigin::sql_device) {
        for (const auto& value : event.data) {
            text += (is_quoted_system_error(value) ? "system error " + value : value) + "\n";
        }
        return text;
    }
    if (origin != EventOrigin::service_manager) return joined(event);
    const auto is_number = [](std::string_view value) {
        constexpr std::size_t shortest = 3;  // shorter ones count something
        return value.size() >= shortest && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    };
    for (const auto& value : event.data) {
        std::string_view number = value;
        if (number.starts_with("%%")) number.remove_prefix(2);
        text += is_number(number) ? fmt::format("error {}\n", number) : value + "\n";
    }
    return text;
}

std::vector<Reason> reasons_of(const Event& event, EventOrigin origin) {
    // Program, version, time, module, its version, its time, exception, offset.
    constexpr std::size_t exception = 6;
    if (boost::iequals(event.provider, "Application Error") && event.data.size() > exception) {
        return reasons_in("exception code 0x" + event.data[exception]);
    }
    return reasons_in(with_labels(event, origin));
}

std::string subject_of(const Event& event, const EventProvider& provider, const EventContext& context) {
    if (!context.writer.empty()) return context.writer;
    switch (provider.origin) {
        case EventOrigin::service_manager: {
            auto service = service_of(event);
            if (service.empty() && !event.data.empty()) service = event.data.front();
            return service;
        }
        case EventOrigin::crash:
            return event.data.empty() ? std::string() : first_line(event.data.front());
        case EventOrigin::sql_device:
            return database_in(event);
        case EventOrigin::vss:
        case EventOrigin::snapshot_part:
            if (provider.name == "SQLWRITER") return database_in(event);
            return volume_in(event);
        default:
            return {};
    }
}

std::string operation_of(const Event& event, const EventProvider& provider, const EventContext& context) {
    if (!context.operation.empty()) return context.operation;
    switch (provider.origin) {
        case EventOrigin::service_manager:
            return "run a service";
        case EventOrigin::crash:
            return "run a program";
        case EventOrigin::installer:
            return "install a product";
        case EventOrigin::vss:
        case EventOrigin::sql_device:
            return event.data.empty() || boost::iequals(provider.name, "volsnap") ? std::string()
                                                                                  : routine_in(event.data.front());
        default:
            return {};
    }
}

/// Returns the part of an event that is the same whenever it occurs again.
std::string shape_of(const Event& event, const std::vector<Reason>& reasons, const EventContext& context) {
    auto shape = fmt::format("{} {}", boost::to_lower_copy(event.provider), event.id);
    for (const auto& reason : reasons) {
        shape += fmt::format("|{}:{}{}", static_cast<int>(reason.kind), reason.number, reason.name);
    }
    shape += "|" + context.operation + "|" + boost::algorithm::join(context.classes, ",");
    for (const auto& value : event.data) {
        if (!is_context(value)) shape += "|" + without_numbers(value);
    }
    return shape;
}

struct DraftFailure {
    Failure failure;
    const Event* quoted = nullptr;
    bool counts = false;
    bool is_quoted_in_run = false;
};

}  // namespace

std::vector<machine::EventQuery> failure_queries(const std::vector<std::string>& sql_instances) {
    std::vector<machine::EventQuery> queries;
    const auto add = [&](std::string_view channel, std::string name) {
        auto query = std::ranges::find(queries, channel, &machine::EventQuery::channel);
        if (query == queries.end()) {
            query = queries.insert(query, {.channel = std::string(channel),
                                           .sources = {},
                                           .newer_than = EventEvidence::age_limit,
                                           .limit = EventEvidence::most_events});
        }
        query->sources.push_back({std::move(name), {}, true});
    };
    for (const auto& provider : event_providers) add(provider.channel, std::string(provider.name));
    for (const auto& instance : sql_instances) add(application, std::string(named_instances) + instance);
    return queries;
}

std::vector<Failure> failures_among(const std::vector<Event>& events, const BackupRuns& runs) {
    constexpr std::size_t most_times = 64;
    const RunCalendar calendar(runs);
    std::map<std::string, DraftFailure, std::less<>> drafts;
    auto by_time = std::vector<const Event*>();
    for (const auto& event : events) by_time.push_back(&event);
    std::ranges::stable_sort(by_time, std::greater(), [](const auto* event) { return event->time; });
    for (const auto* event : by_time) {
        if (!machine::is_failure(*event)) continue;
        const auto* provider = provider_of(*event);
        if (provider == nullptr) continue;
        const auto layer = layer_of(*event, provider->origin);
        if (!layer) continue;
        const auto context = context_of(*event);
        auto reasons = reasons_of(*event, provider->origin);
        auto shape = shape_of(*event, reasons, context);
        auto found = drafts.find(shape);
        if (found == drafts.end()) {
            if (drafts.size() >= most_failure_shapes) continue;
            found = drafts.try_emplace(shape).first;
            auto& failure = found->second.failure;
            failure.layer = *layer;
            failure.component = provider->component;
            failure.operation = operation_of(*event, *provider, context);
            failure.subject = subject_of(*event, *provider, context);
            failure.reasons = std::move(reasons);
            failure.newest = event->time;
            failure.count = 0;
            failure.is_noise = is_harmless(*event);
            failure.shape = std::move(shape);
        }
        auto& draft = found->second;
        auto& failure = draft.failure;
        constexpr std::uint8_t warning = 3;
        const bool is_error = event->level < warning;
        failure.severity = is_error || (failure.count > 0 && failure.severity == Failure::Severity::error)
                               ? Failure::Severity::error
                               : Failure::Severity::warning;
        failure.first = event->time;
        ++failure.count;
        if (failure.times.size() < most_times) failure.times.push_back(event->time);
        const bool in_newest = calendar.is_in_newest_failed(event->time);
        const bool without_runs =
            !calendar.knows_runs() && provider->origin == EventOrigin::vss && !calendar.is_history(event->time);
        draft.counts = draft.counts || in_newest || calendar.is_in_failed(event->time) || without_runs;
        failure.in_failed_run = failure.in_failed_run || in_newest;
        failure.is_noise = failure.is_noise || calendar.is_proven_harmless(event->time);
        if (draft.quoted == nullptr || (in_newest && !draft.is_quoted_in_run)) {
            draft.quoted = event;
            draft.is_quoted_in_run = in_newest;
        }
    }
    std::vector<Failure> failures;
    for (auto& [shape, draft] : drafts) {
        if (!draft.counts) continue;
        draft.failure.quote = evidence_of(*draft.quoted, "no such event");
        failures.push_back(std::move(draft.failure));
    }
    std::ranges::stable_sort(failures, std::greater(), &Failure::newest);
    return failures;
}

}  // namespace remediations
