#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace handler {

/// The most HTML reports of past runs that are kept beside the log.
inline constexpr std::size_t most_report_files = 10;

/// Writes backup-remediation-report-<time>.html as a whole or not at all. Removes the oldest reports above
/// most_report_files. Returns its path.
machine::Result<std::filesystem::path> write_report_file(const std::filesystem::path& log_folder, std::string_view html,
                                                         std::chrono::system_clock::time_point now);

/// Returns every report in the folder, oldest first.
std::vector<std::filesystem::path> report_files_in(const std::filesystem::path& log_folder);

}  // namespace handler
