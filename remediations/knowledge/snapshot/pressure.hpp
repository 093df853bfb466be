#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "remediations/machine/machine.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// A file of /proc/pressure: the percentage of the last minute in which some or all tasks waited for a resource (the
/// kernel's PSI documentation).
struct Pressure {
    double some = 0;
    double full = 0;  ///< 0 where the kernel does not report it (cpu, before 5.13)
};

/// ErrorKind::invalid says what was expected.
machine::Result<Pressure> parse_pressure(std::string_view text);

/// `resource` is cpu, memory or io. Returns nullopt where the kernel does not measure it.
std::optional<Pressure> pressure_of(const machine::Machine& machine, const std::string& resource);

/// Returns true if the current load is worth measuring: a backup failed, or somebody asks.
bool backups_are_in_question(const machine::Machine& machine, const Question& question);

}  // namespace remediations
