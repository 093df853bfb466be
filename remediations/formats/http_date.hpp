#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace remediations {

/// Returns the time of a Date header in the form that all current servers write (RFC 9110, 5.6.7: IMF-fixdate, "Sat, 21
/// Nov 2026 02:00:00 GMT"); nullopt for any other form.
std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view text);

}  // namespace remediations
