#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace remediations {

/// A line of /etc/fstab.
struct TableEntry {
    std::string source;
    std::string mount_point;
    std::string type;
    std::vector<std::string> options;
};

/// Parses fstab(5): fields separated by blanks, \040 for a blank in a field. Skips lines with fewer than three fields,
/// as mount(8) does.
std::vector<TableEntry> parse_file_system_table(std::string_view text);

}  // namespace remediations
