#include "remediations/knowledge/snapshot/thin_pool_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>
#include <cstdint>
#include <optional>

namespace remediations {

namespace {

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// "8/1024"
std::optional<int> percent(std::string_view fraction) {
    const auto slash = fraction.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto used = number(fraction.substr(0, slash));
    const auto total = number(fraction.substr(slash + 1));
    if (!used || !total || *total == 0 || *used > *total) return std::nullopt;
    return static_cast<int>(static_cast<long double>(*used) * 100 / static_cast<long double>(*total));
}

std::optional<ThinPool> parse_line(const std::string& line) {
    const auto colon = line.rfind(": ");
    if (colon == std::string::npos) return std::nullopt;
    std::vector<std::string> fields;
    const auto rest = boost::algorithm::trim_copy(line.substr(colon + 2));
    boost::algorithm::split(fields, rest, boost::is_any_of(" "), boost::token_compress_on);
    if (fields.size() < 4 || fields[2] != "thin-pool") return std::nullopt;
    if (fields[3] == "Fail" || fields[3] == "Error") return ThinPool{line.substr(0, colon), 0, 0, fields[3]};
    if (fields.size() < 8) return std::nullopt;
    const auto metadata = percent(fields[4]);
    const auto data = percent(fields[5]);
    if (!metadata || !data) return std::nullopt;
    const bool needs_check = std::ranges::find(fields, "needs_check") != fields.end();
    return ThinPool{line.substr(0, colon), *data, *metadata, needs_check ? "needs_check" : fields[7]};
}

}  // namespace

machine::Result<std::vector<ThinPool>> parse_thin_pool_status(std::string_view output) {
    std::vector<ThinPool> pools;
    std::vector<std::string> lines;
    boost::algorithm::split(lines, output, boost::is_any_of("\n"));
    for (std::size_t index = 0; index < lines.size(); ++index) {
        if (lines[index].empty() || lines[index] == "No devices found") continue;
        auto pool = parse_line(lines[index]);
        if (!pool) {
            return machine::Error::invalid(
                fmt::format("dmsetup status line {}: expected 'name: start length thin-pool transaction "
                            "used/total used/total root mode', found '{:.200}'",
                            index + 1, lines[index]));
        }
        pools.push_back(std::move(*pool));
    }
    return pools;
}

}  // namespace remediations
