#include "remediations/knowledge/snapshot/sql_writer_failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <charconv>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/logs/event_text.hpp"
#include "remediations/knowledge/logs/log_line.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "remediations/machine/process_list.hpp"

namespace remediations {

using machine::Event;
using machine::Machine;

namespace {

constexpr auto instances_key = R"(HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\Instance Names\SQL)";
constexpr std::uint32_t class_not_registered = 0x80040154;

/// Not reached, not found, closed at once, timed out; 10061 and 11001 are Winsock's.
constexpr std::array<std::int64_t, 10> connection_errors = {-1, 2, 17, 26, 53, 233, 258, 1225, 10061, 11001};
/// "Insufficient resources to create UMS scheduler", and no thread for a connection.
constexpr std::array<std::int64_t, 3> thread_errors = {3224, 3267, 17189};

/// Insertion strings of SQLVDI 1: location, description, error code, a blank, process, thread, side, instance, device.
constexpr std::size_t process_at = 4;
constexpr std::size_t instance_at = 7;
constexpr std::size_t device_strings = 9;

EventPattern errors_of_writer() {
    return {"Application", "SQLWRITER", {24579, 24581, 24582, 24583}};
}
EventPattern errors_of_device() {
    return {"Application", "SQLVDI", {1}};
}

std::uint32_t process_of_device(const Event& event) {
    std::uint32_t pid = 0;
    if (event.data.size() <= process_at) return pid;
    const auto& text = event.data[process_at];
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;
}

/// Returns true if the event is about our backup. Every program that dumps a database uses such devices. The event
/// counts if it occurred in a failed backup, and if it is not of another process than the writer's.
bool is_of_backup(const Machine& machine, const Event& event) {
    const auto& failures = machine.derived<EventEvidence>().failures();
    const bool is_in_run = std::ranges::any_of(failures, [&](const auto& failure) {
        return failure.in_failed_run && !failure.is_noise &&
               std::ranges::find(failure.times, event.time) != failure.times.end();
    });
    if (!is_in_run) return false;
    const auto writer = machine.services().find("SQLWriter");
    const auto pid = process_of_device(event);
    if (!writer || pid == 0 || writer->pid == 0 || pid == writer->pid) return true;
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return true;
    const auto process = std::ranges::find(*processes, writer->pid, &machine::Process::pid);
    // A writer that was started since had another number then.
    return process != processes->end() && process->started > event.time;
}

/// Returns true after a good backup of ours: then an event of the writer is about another product's backup, unless VSS
/// reports that the writer refused a snapshot.
bool is_of_another_product(const Machine& machine) {
    if (machine.derived<LastRun>().end() != LastRun::End::succeeded) return false;
    return newest_refusal(machine, sql_writer_id) == nullptr;
}

std::string instance_in(const Event& event) {
    return event.data.size() < device_strings ? std::string() : printable(event.data[instance_at]);
}

SqlWriterFault fault_of(const std::optional<Reason>& error, std::string_view text) {
    const auto is_one_of = [&](const auto& numbers) {
        return error && std::ranges::find(numbers, error->number) != numbers.end();
    };
    if (is_one_of(thread_errors)) return SqlWriterFault::too_many_databases;
    // SQLSTATE 08001: the client could not establish the connection.
    const bool lacks_connection = !boost::algorithm::ifind_first(text, "SQLSTATE: 08001").empty();
    if (lacks_connection || is_one_of(connection_errors)) return SqlWriterFault::cannot_connect;
    if (names_code(text, class_not_registered)) return SqlWriterFault::device_unregistered;
    return SqlWriterFault::other;
}

}  // namespace

std::vector<EventPattern> sql_writer_events() {
    return {errors_of_writer(), errors_of_device()};
}

std::optional<SqlWriterFailure> sql_writer_failure(const Machine& machine) {
    const auto* of_writer = is_of_another_product(machine) ? nullptr : newest_current(machine, errors_of_writer());
    const auto* of_device =
        newest_current(machine, errors_of_device(), [&](const auto& each) { return is_of_backup(machine, each); });
    if (of_writer == nullptr && of_device == nullptr) return std::nullopt;
    SqlWriterFailure failure;
    std::string text;
    for (const auto* event : {of_writer, of_device}) {
        if (event == nullptr) continue;
        failure.evidence.push_back(evidence_of(*event, "no error"));
        text += text_of(*event) + "\n";
        const auto reasons = reasons_in(text_of(*event));
        const auto found = std::ranges::find(reasons, Reason::Kind::sql, &Reason::kind);
        if (!failure.error && found != reasons.end()) failure.error = *found;
    }
    if (of_device) failure.instance = instance_in(*of_device);
    for (const auto* event : {of_writer, of_device}) {
        if (event && failure.database.empty()) failure.database = database_in(*event);
    }
    failure.fault = fault_of(failure.error, text);
    return failure;
}

std::string place_of(const SqlWriterFailure& failure) {
    std::string place;
    if (!failure.instance.empty()) place += fmt::format(" in instance {}", failure.instance);
    if (!failure.database.empty()) {
        place += fmt::format("{} {}", place.empty() ? " for" : ",", failure.database);
    }
    return place;
}

std::vector<machine::Service> sql_engine_services(const Machine& machine) {
    constexpr std::string_view default_instance = "MSSQLSERVER";
    std::vector<std::string> names{std::string(default_instance)};
    if (const auto instances = machine.registry().value_names(instances_key)) {
        for (const auto& instance : *instances) {
            if (!boost::iequals(instance, default_instance)) names.push_back("MSSQL$" + instance);
        }
    }
    std::vector<machine::Service> services;
    for (const auto& name : names) {
        if (auto service = machine.services().find(name)) services.push_back(std::move(*service));
    }
    return services;
}

}  // namespace remediations
