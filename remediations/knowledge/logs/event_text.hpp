#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/event_log.hpp"

namespace remediations {

/// What VSS and its writers add to an event, in whatever language: two sections of indented lines, the first of what
/// was being done, the second of "key: value".
struct EventContext {
    std::string operation;             ///< the innermost, in the system's language
    std::string writer;                ///< its name, which is not translated
    std::vector<std::string> classes;  ///< of the writer and the provider: lower case, with braces

    friend bool operator==(const EventContext&, const EventContext&) = default;
};
EventContext context_of(const machine::Event& event);
/// Whether the value is such a text.
bool is_context(std::string_view value);

/// The name of the database that an event of SQL Server or of its writer is about; empty where it names none.
std::string database_in(const machine::Event& event);

/// "C:", or as the driver calls it, "\Device\HarddiskVolume3"; empty where there is none.
std::string volume_in(const machine::Event& event);

/// The function of a program at the head of a value: "CoCreateInstance", "IVDS::CreateEx", "AddLegacyDriverFiles";
/// empty where the value begins with something else.
std::string routine_in(std::string_view value);

std::string first_line(std::string_view value);

/// The value with each number, GUID, path of a device and quoted name as one mark, and at most 200 bytes of it: what is
/// the same when the same happens again.
std::string without_numbers(std::string_view value);

}  // namespace remediations
