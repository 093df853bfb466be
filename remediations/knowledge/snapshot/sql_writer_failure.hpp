#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/model/reason.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// The reason why SQL Server's VSS writer fails. It decides what a person has to do.
enum class SqlWriterFault : std::uint8_t {
    cannot_connect,       ///< it can connect to no instance
    too_many_databases,   ///< SQL Server has too few threads for all databases
    device_unregistered,  ///< the class of its virtual device (sqlvdi.dll) is not registered
    other,
};

/// The newest failure that still counts, from the events of SQL Server's writer and its virtual device.
struct SqlWriterFailure {
    SqlWriterFault fault = SqlWriterFault::other;
    /// SQL Server's own number, which is never translated. 3013, "the backup ended", only where there is no other.
    std::optional<Reason> error;
    std::string instance;  ///< "MSSQLSERVER", "PAYROLL"; empty where no event names it
    std::string database;  ///< empty where no event names it
    std::vector<Evidence> evidence;
};

/// Returns the events that sql_writer_failure() asks EventEvidence for.
std::vector<EventPattern> sql_writer_events();

/// Returns nullopt where there is none. An event of the virtual device outside a failed backup, or of another process
/// than the writer's (another product's dump), is not a failure of the writer.
std::optional<SqlWriterFailure> sql_writer_failure(const machine::Machine& machine);

/// Returns " in instance PAYROLL, database Salaries", with a leading blank; empty where neither is known.
std::string place_of(const SqlWriterFailure& failure);

/// Returns the services of SQL Server's engine: MSSQLSERVER and MSSQL$NAME for the instances in the registry.
std::vector<machine::Service> sql_engine_services(const machine::Machine& machine);

}  // namespace remediations
