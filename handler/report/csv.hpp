#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handler {

/// One line of comma-separated values, with its line end (RFC 4180): each field in double quotes, and visible(). A
/// field that a spreadsheet would take for a formula ("=...", "+...", "-...", "@...", also after blanks) begins with an
/// apostrophe.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace handler
