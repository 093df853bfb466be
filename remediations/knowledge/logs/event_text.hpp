#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/event_log.hpp"

namespace remediations {

/// The text that VSS and its writers add to an event, in the system's language: two sections of indented lines. The
/// first lists the operations in progress, the second is "key: value".
struct EventContext {
    std::string operation;             ///< the innermost operation, in the system's language
    std::string writer;                ///< the name of the writer, which is not translated
    std::vector<std::string> classes;  ///< class ids of the writer and the provider: lower case, with braces

    friend bool operator==(const EventContext&, const EventContext&) = default;
};
EventContext context_of(const machine::Event& event);
/// Returns true if the value is such a text.
bool is_context(std::string_view value);

/// Returns the database that an event of SQL Server or of its writer names; empty where it names none.
std::string database_in(const machine::Event& event);

/// Returns "C:" or the driver's name for the volume, "\Device\HarddiskVolume3"; empty where there is none.
std::string volume_in(const machine::Event& event);

/// Returns the name of a program's function at the beginning of a value: "CoCreateInstance", "IVDS::CreateEx",
/// "AddLegacyDriverFiles"; empty where the value begins with something else.
std::string routine_in(std::string_view value);

std::string first_line(std::string_view value);

/// Returns the value with each number, GUID, device path and quoted name replaced by a mark, at most 200 bytes: the
/// same text when the same thing happens again.
std::string without_numbers(std::string_view value);

}  // namespace remediations
