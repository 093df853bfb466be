#include "remediations/knowledge/snapshot/sql_writer_failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <charconv>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/logs/log_line.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"

namespace remediations {

using machine::Event;
using machine::Machine;

namespace {

constexpr auto instances_key = R"(HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\Instance Names\SQL)";
constexpr std::uint32_t class_not_registered = 0x80040154;

/// Not reached, not there, closed at once, timed out; 10061 and 11001 are Winsock's.
constexpr std::array<std::int64_t, 10> connection_errors = {-1, 2, 17, 26, 53, 233, 258, 1225, 10061, 11001};
/// "Insufficient resources to create UMS scheduler", and no thread for a connection.
constexpr std::array<std::int64_t, 2> thread_errors = {3267, 17189};

/// Insertion strings of SQLVDI 1: location, description, error code, a blank, process, thread, side, instance, device.
constexpr std::size_t process_at = 4;
constexpr std::size_t side_at = 6;
constexpr std::size_t instance_at = 7;
constexpr std::size_t device_strings = 9;

EventPattern errors_of_writer() {
    return {"Application", "SQLWRITER", {24579, 24581, 24582, 24583}};
}
EventPattern errors_of_device() {
    return {"Application", "SQLVDI", {1}};
}

std::optional<std::uint32_t> number_in(std::string_view text) {
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    return is_number ? std::optional(number) : std::nullopt;
}

/// A client of the virtual device that is known to be another process than SQL Server's writer.
bool is_of_another_client(const Machine& machine, const Event& event) {
    if (event.data.size() < device_strings || event.data[side_at] != "Client") return false;
    const auto pid = number_in(event.data[process_at]);
    const auto service = machine.services().find("SQLWriter");
    return pid && service && service->pid != 0 && service->pid != *pid;
}

/// Whoever dumps a database uses such devices: the writer's stands in a backup that failed, where one is known.
bool is_of_failed_backup(const Machine& machine, const Event& event) {
    if (machine.derived<LastRun>().attempt() == nullptr) return true;
    return std::ranges::any_of(machine.derived<EventEvidence>().failures(), [&](const auto& failure) {
        return failure.in_failed_run && !failure.is_noise &&
               std::ranges::find(failure.times, event.time) != failure.times.end();
    });
}

std::string instance_in(const Event& event) {
    return event.data.size() < device_strings ? std::string() : printable(event.data[instance_at]);
}

/// The name in the first quotes behind the number: SQL Server quotes with ' in most languages.
std::string database_in(std::string_view text, std::int64_t number) {
    const auto found = boost::algorithm::find_first(text, fmt::format("Native Error: {}", number));
    if (found.empty()) return {};
    const auto rest = text.substr(static_cast<std::size_t>(found.end() - text.begin()));
    constexpr std::size_t longest_name = 128;
    const auto open = rest.find('\'');
    const auto close = open == rest.npos ? open : rest.find('\'', open + 1);
    if (close == rest.npos || close - open - 1 > longest_name) return {};
    return printable(rest.substr(open + 1, close - open - 1));
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
    const auto* of_writer = newest_current(machine, errors_of_writer());
    const auto* of_device = newest_current(machine, errors_of_device(), [&](const auto& each) {
        return !is_of_another_client(machine, each) && is_of_failed_backup(machine, each);
    });
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
    if (of_writer && failure.error) failure.database = database_in(text_of(*of_writer), failure.error->number);
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
