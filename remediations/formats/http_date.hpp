#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace remediations {

/// The time in a Date header as every current server writes it (RFC 9110, 5.6.7: IMF-fixdate,
/// "Sat, 21 Nov 2026 02:00:00 GMT"); nullopt for anything else.
std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view text);

}  // namespace remediations
