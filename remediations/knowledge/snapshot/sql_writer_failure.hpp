#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/model/reason.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Why SQL Server's VSS writer fails, which decides what a person does.
enum class SqlWriterFault : std::uint8_t {
    cannot_connect,       ///< it reaches no instance
    too_many_databases,   ///< SQL Server has no threads for all of them
    device_unregistered,  ///< the class of its virtual device, sqlvdi.dll, is not registered
    other,
};

/// What SQL Server's writer and its virtual device log of the newest failure that still counts.
struct SqlWriterFailure {
    SqlWriterFault fault = SqlWriterFault::other;
    /// SQL Server's own number, which is never translated; 3013, "the backup ended", only where it names no other.
    std::optional<Reason> error;
    std::string instance;  ///< "MSSQLSERVER", "PAYROLL"; empty where no event names it
    std::string database;  ///< likewise
    std::vector<Evidence> evidence;
};

/// What sql_writer_failure() asks EventEvidence for.
std::vector<EventPattern> sql_writer_events();

/// No value where there is none. What the virtual device logs outside a failed backup, or of another process than the
/// writer's (another product's dump), is no failure of the writer.
std::optional<SqlWriterFailure> sql_writer_failure(const machine::Machine& machine);

/// "in instance PAYROLL, database Salaries", with a blank before it; empty where nothing is known.
std::string place_of(const SqlWriterFailure& failure);

/// The services of SQL Server's engine: MSSQLSERVER and MSSQL$NAME of the instances that the registry names.
std::vector<machine::Service> sql_engine_services(const machine::Machine& machine);

}  // namespace remediations
